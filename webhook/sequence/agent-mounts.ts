import { cut, type InvalidValueError, instead } from '../../core/errors.ts'
import { FILES_DIRECTORY } from '../../core/names.ts'
import type { Container, Pod, VolumeMount } from '../../core/pod.ts'
import type { Readiness } from '../../core/readiness.ts'
import { isUnderPath, withoutEndSlashes } from '../pod/paths.ts'

/**
 * The agent judges `forking` and `dbus` by a file of the container, which it can see only in a volume: that is mounted
 * into the agent too, and the path in the Sequence is the agent's.
 */
interface FileInAgent {
  /** In the agent. */
  mount: VolumeMount
  /** In the agent, of the file. */
  path: string
}

/**
 * User nobody: every distribution's passwd file has it, and the policy of a system bus lets every user in that passwd
 * has.
 */
const NOBODY = 65_534
/** D-Bus specification, Well-known Message Bus Instances. */
const SYSTEM_BUS = '/run/dbus/system_bus_socket'
const UNIX_PATH = /^unix:path=([^,;]+)(?:,guid=[0-9a-f]+)?$/

/** The readiness with paths as the agent sees them. */
export function agentView(name: string, readiness: Readiness, pod: Pod): Readiness {
  const file = fileInAgentOf(name, readiness, pod)
  if (!file) return readiness
  if (readiness.type === 'forking') return { ...readiness, pidFile: file.path }
  return readiness.type === 'dbus' ? { ...readiness, address: `unix:path=${file.path}` } : readiness
}

/** What must be mounted into the agent for it to see what the container's readiness is judged by. */
export function agentMount(name: string, readiness: Readiness, pod: Pod): VolumeMount | undefined {
  return fileInAgentOf(name, readiness, pod)?.mount
}

/**
 * The user that the agent has to be where a container is judged by a bus: that of the container, where the pod's spec
 * tells it, since the bus lets it own its name; else nobody (docs/decisions). Undefined: any will do.
 */
export function busUser(readiness: ReadonlyMap<string, Readiness>, { spec }: Pod): number | undefined {
  const onBus = spec.containers.find(({ name }) => readiness.get(name)?.type === 'dbus')
  if (!onBus) return undefined
  const user = onBus.securityContext?.runAsUser ?? spec.securityContext?.runAsUser
  return typeof user === 'number' && user > 0 ? user : NOBODY
}

/** Why the agent cannot judge the container; `fault` makes the sentence. */
export function agentViewProblem(
  { name }: Container,
  readiness: Readiness,
  pod: Pod,
  fault: (remedy: string) => InvalidValueError,
): InvalidValueError | undefined {
  const path = fileOf(readiness)
  if (path !== undefined) {
    if (fileInAgentOf(name, readiness, pod)) return undefined
    return fault(
      `cannot be checked from outside: ${cut(path)} is in no volume of the container; mount an emptyDir over its directory`,
    )
  }
  if (readiness.type !== 'dbus' || /^(unix:abstract|tcp:host)=/.test(readiness.address ?? '')) return undefined
  return fault(instead('has an address that is not supported', `unix:path=${SYSTEM_BUS}`))
}

function fileOf(readiness: Readiness): string | undefined {
  if (readiness.type === 'forking') return readiness.pidFile
  if (readiness.type !== 'dbus') return undefined
  return readiness.address === undefined ? SYSTEM_BUS : UNIX_PATH.exec(readiness.address)?.[1]
}

function fileInAgentOf(name: string, readiness: Readiness, { spec }: Pod): FileInAgent | undefined {
  const path = fileOf(readiness)
  if (path === undefined || path.split('/').includes('..')) return undefined
  const container = spec.containers.find(c => c.name === name)
  const over = longestOver(path, container?.volumeMounts ?? [])
  if (!over) return undefined
  const mountPath = `${FILES_DIRECTORY}/${name}`
  return {
    mount: { name: over.name, mountPath, readOnly: true, ...(over.subPath && { subPath: over.subPath }) },
    path: mountPath + path.slice(withoutEndSlashes(over.mountPath).length),
  }
}

/** The mount in which the path is: of several the one with the longest path, as the last to be mounted. */
function longestOver(path: string, mounts: readonly VolumeMount[]): VolumeMount | undefined {
  let longest: VolumeMount | undefined
  for (const mount of mounts) {
    if (mount.subPathExpr || !isUnderPath(path, mount.mountPath)) continue
    if (!longest || mount.mountPath.length > longest.mountPath.length) longest = mount
  }
  return longest
}
