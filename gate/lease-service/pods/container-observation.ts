import type { ContainerSight } from '../../../core/lease-api.ts'
import { type GateName, PULL_GATE } from '../../../core/names.ts'
import type { Container, Pod } from '../../../core/pod.ts'
import type { Sequence } from '../../../core/sequence.ts'
import { attemptIn, stampMs, statusOf } from './container-status.ts'
import { containerOf } from './pod-sequence.ts'

/**
 * What the pod's status says of the containers of a sequence in run `attempt` of its init containers. Records from
 * before that run say nothing: after a reboot a status goes on showing dead containers as running and ready, and an
 * agent that believed it would start the next ones too early. A container that has not run since is `waiting`.
 */
export function containersSeen(pod: Pod, sequence: Sequence, attempt: number): Record<string, ContainerSight> {
  const sinceMs = runBeganMs(pod, attempt)
  const names = sequence.stages.flatMap(stage => stage.containers)
  return Object.fromEntries(names.map(name => [name, observationOf(pod, name, sinceMs)]))
}

/** Whether a status shows that this run's gate has let the pod go. */
export function hasPassed(pod: Pod, gate: GateName, attempt: number): boolean {
  const end = statusOf(pod, gate)?.state?.terminated
  const sinceMs = runBeganMs(pod, attempt)
  if (end?.exitCode !== 0 || sinceMs === undefined) return false
  const told = attemptIn(end.message)
  return (told === undefined || told === attempt) && (stampMs(end.finishedAt) ?? sinceMs) >= sinceMs
}

/**
 * When the first gate of this run let the pod go, by the kubelet's clock: nothing that started before belongs to it.
 * undefined while the status does not show that. A pod without that gate has had one run only, as far as can be told.
 */
function runBeganMs(pod: Pod, attempt: number): number | undefined {
  if (!pod.spec.initContainers?.some(c => c.name === PULL_GATE)) return attempt === 1 ? 0 : undefined
  const end = statusOf(pod, PULL_GATE)?.state?.terminated
  if (end?.exitCode !== 0) return undefined
  const told = attemptIn(end.message)
  return told === undefined || told === attempt ? (stampMs(end.finishedAt) ?? 0) : undefined
}

function observationOf(pod: Pod, name: string, sinceMs: number | undefined): ContainerSight {
  const status = statusOf(pod, name)
  const restartCount = status?.restartCount ?? 0
  const none: ContainerSight = { state: 'waiting', started: false, ready: false, restartCount }
  if (!status || sinceMs === undefined) return none
  const isOfThisRun = (startedAt: string | undefined) => (stampMs(startedAt) ?? sinceMs) >= sinceMs
  const { running, terminated } = status.state ?? {}
  const id = status.containerID === undefined ? {} : { id: status.containerID }
  if (running && isOfThisRun(running.startedAt)) {
    const { started = false } = status
    const ready = status.ready || (started && isReadyOnceStarted(containerOf(pod, name)))
    return { ...id, state: 'running', started, ready, restartCount, ...startOf(running.startedAt) }
  }
  // Without an ID the runtime has lost the container, and the record is made up.
  if (terminated?.containerID && isOfThisRun(terminated.startedAt)) {
    const { exitCode } = terminated
    return {
      id: terminated.containerID,
      state: 'terminated',
      started: false,
      ready: false,
      exitCode,
      restartCount,
      ...startOf(terminated.startedAt),
    }
  }
  return none
}

/** The kubelet tells of its start at once, but that it is ready, which is then the same, when it next looks at it. */
function isReadyOnceStarted(container: Container | undefined): boolean {
  return container?.startupProbe !== undefined && container.readinessProbe === undefined
}

/** An agent that was out of contact tells by it whether READY=1 came from this run or from the one before. */
function startOf(stamp: string | undefined): Pick<ContainerSight, 'startedAtMs'> {
  const startedAtMs = stampMs(stamp)
  return startedAtMs === undefined ? {} : { startedAtMs }
}
