import { AGENT, AGENT_ENV, BUSYBOX_IN_IMAGE, NOTIFY_DIRECTORY, NOTIFY_VOLUME } from '../../core/names.ts'
import type { Container, Pod, ResourceRequirements } from '../../core/pod.ts'
import { agentCommand } from '../../core/pod-scripts.ts'
import { formatSequence } from '../../core/sequence.ts'
import type { SequencedPod } from '../sequence/sequence-model.ts'
import { type GateOptions, goDuration, leaseServiceEnv, ownImage, ownMounts, ownSecurityContext } from './gate.ts'
import { formatOriginal, originalOf } from './original.ts'

export interface AgentOptions {
  agentResources: ResourceRequirements
  /** The longest that any container of the pod may be starting. */
  startTimeoutMs: number
}

/** The sidecar that sequences the pod. `pod` is without any of ours. */
export function agentContainer(pod: Pod, sequenced: SequencedPod, options: GateOptions & AgentOptions): Container {
  const { sequence, notifying, agentMounts, agentUser } = sequenced
  return {
    name: AGENT,
    ...ownImage(options),
    restartPolicy: 'Always',
    command: agentCommand(sequence.stages.map(({ gate }) => gate)),
    env: [
      { name: AGENT_ENV.sequence, value: formatSequence(sequence) },
      { name: AGENT_ENV.original, value: formatOriginal(originalOf(pod, sequenced)) },
      { name: AGENT_ENV.startTimeout, value: goDuration(options.startTimeoutMs) },
      ...leaseServiceEnv(options),
    ],
    resources: options.agentResources,
    volumeMounts: [
      ...ownMounts(),
      ...(notifying.length > 0 ? [{ name: NOTIFY_VOLUME, mountPath: NOTIFY_DIRECTORY }] : []),
      ...agentMounts,
    ],
    securityContext: ownSecurityContext(options, agentUser),
  }
}

/**
 * Whether this runs a script of our image, for a container of this name; which script is another version's business.
 */
export function isScriptOf(name: string, command: readonly string[]): boolean {
  const [program, shell, option, , zero] = command
  return program === BUSYBOX_IN_IMAGE && shell === 'sh' && option === '-c' && zero === name
}
