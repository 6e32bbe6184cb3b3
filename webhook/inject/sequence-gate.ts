import { type GateName, SHARED_PATH, SHARED_VOLUME, TOKEN_DIRECTORY } from '../../core/names.ts'
import type { Container, ResourceRequirements } from '../../core/pod.ts'
import { sequenceGateCommand } from '../../core/pod-scripts.ts'
import { type GateOptions, ownImage, ownSecurityContext } from './gate.ts'

/**
 * An init container that waits for the agent's word. It runs a shell only, so the resources of any container are
 * enough.
 */
export function sequenceGateContainer(
  name: GateName,
  resources: ResourceRequirements,
  options: GateOptions,
): Container {
  return {
    name,
    ...ownImage(options),
    command: sequenceGateCommand(name),
    resources,
    volumeMounts: [
      { name: SHARED_VOLUME, mountPath: SHARED_PATH },
      // For the same reason as in an image step: it talks to nobody, so our token is none of its business.
      { name: SHARED_VOLUME, mountPath: TOKEN_DIRECTORY, readOnly: true },
    ],
    securityContext: ownSecurityContext(options),
  }
}
