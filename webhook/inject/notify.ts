import { NOTIFY_MOUNT_PATH, NOTIFY_SOCKET_ENV, NOTIFY_SOCKET_PATH, NOTIFY_VOLUME } from '../../core/names.ts'
import type { Container } from '../../core/pod.ts'

/**
 * The container with a notify socket: its own directory of the notify volume, and NOTIFY_SOCKET, both at the end of
 * their lists. The mount may be read-only, since sending to a socket writes nothing to the file system.
 */
export function withNotify(container: Container): Container {
  return {
    ...container,
    env: [...(container.env ?? []), { name: NOTIFY_SOCKET_ENV, value: NOTIFY_SOCKET_PATH }],
    volumeMounts: [
      ...(container.volumeMounts ?? []),
      { name: NOTIFY_VOLUME, mountPath: NOTIFY_MOUNT_PATH, subPath: container.name, readOnly: true },
    ],
  }
}

/** The container as it was before withNotify; the same object if it has no notify socket of ours. */
export function withoutNotify(container: Container): Container {
  const mounts = container.volumeMounts ?? []
  const otherMounts = mounts.filter(({ name, mountPath }) => name !== NOTIFY_VOLUME || mountPath !== NOTIFY_MOUNT_PATH)
  if (otherMounts.length === mounts.length) return container
  const { env = [], volumeMounts: _, ...rest } = container
  const otherEnv = (env ?? []).filter(({ name, value }) => name !== NOTIFY_SOCKET_ENV || value !== NOTIFY_SOCKET_PATH)
  return {
    ...rest,
    ...(otherEnv.length > 0 && { env: otherEnv }),
    ...(otherMounts.length > 0 && { volumeMounts: otherMounts }),
  }
}
