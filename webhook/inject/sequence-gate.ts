import { type GateName, SHARED_PATH, SHARED_VOLUME, TOKEN_DIRECTORY } from '../../core/names.ts'
import type { Container, Probe, ResourceRequirements } from '../../core/pod.ts'
import { sequenceGateCommand } from '../../core/pod-scripts.ts'
import { PROBE_TIMEOUT_S, sidecarGateCommand, sidecarGateProbeCommand } from '../../core/sidecar-gate-script.ts'
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

/** The same as a native sidecar: its startup probe tells the kubelet at once that it has passed. */
export function sidecarGateContainer(name: GateName, resources: ResourceRequirements, options: GateOptions): Container {
  return {
    ...sequenceGateContainer(name, resources, options),
    restartPolicy: 'Always',
    command: sidecarGateCommand(name),
    startupProbe: gateProbe(name),
  }
}

/** Once an hour a call of it ends as a failure; no wait is so long that the kubelet would end the gate. */
function gateProbe(name: GateName): Probe {
  return {
    exec: { command: sidecarGateProbeCommand(name) },
    periodSeconds: 1,
    timeoutSeconds: PROBE_TIMEOUT_S,
    failureThreshold: 1_000_000,
  }
}
