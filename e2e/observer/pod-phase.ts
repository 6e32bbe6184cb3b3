import type { ObservedContainer, ObservedPod, ObservedStatus } from './cluster-events.ts'
import { pastStarting, SETTLE_MS } from './container-age.ts'

/** Phases of a container, in the words of the design; of a pod, that of its container that is least far. */
export type Phase = 'blocked' | 'pulling' | 'pending' | 'starting' | 'ready' | 'failed'

export interface PodPhase {
  phase: Phase
  /** What it waits for, in a few words; empty when for nothing. */
  waitsFor: string
  /** The gate that runs now: its log has the reason. */
  gate?: string
}

const BAD = /BackOff|ErrImage|InvalidImage|Error$/
const PULL_GATE = 'startgate-pull'
const START_GATE = 'startgate-start'
const IMAGE_STEP = 'startgate-image-'
/** It has what it needs; only the kubelet has to get to it. */
const KUBELET = 'the kubelet'

/** What a pod is doing, by its status alone. */
export function podPhase(pod: ObservedPod, nowMs: number): PodPhase {
  if (!pod.spec.nodeName) return { phase: 'blocked', waitsFor: 'a node' }
  const step = (pod.spec.initContainers ?? []).find(c => !isDone(c, statusOf(pod.status?.initContainerStatuses, c)))
  if (step) return initPhase(step, statusOf(pod.status?.initContainerStatuses, step))
  const hasGate = (pod.spec.initContainers ?? []).some(c => c.name === START_GATE)
  const phases = pod.spec.containers.map(c => {
    const status = statusOf(pod.status?.containerStatuses, c)
    return appPhase(c, status, nowMs) ?? notRunning(c, hasGate)
  })
  const order: Phase[] = ['failed', 'blocked', 'pulling', 'pending', 'starting', 'ready']
  return phases.sort((a, b) => order.indexOf(a.phase) - order.indexOf(b.phase))[0] ?? { phase: 'ready', waitsFor: '' }
}

function statusOf(statuses: ObservedStatus[] | undefined, { name }: ObservedContainer): ObservedStatus | undefined {
  return statuses?.find(s => s.name === name)
}

/** An init container lets the next one go when it ended with 0, or, a native sidecar, when it has started. */
function isDone({ restartPolicy }: ObservedContainer, status: ObservedStatus | undefined): boolean {
  if (restartPolicy === 'Always') return status?.started === true
  return status?.state?.terminated?.exitCode === 0
}

function initPhase(container: ObservedContainer, status: ObservedStatus | undefined): PodPhase {
  const bad = badReason(status)
  if (bad) return { phase: 'failed', waitsFor: bad }
  const running = status?.state?.running !== undefined
  if (container.name.startsWith(IMAGE_STEP)) {
    return running
      ? { phase: 'pending', waitsFor: KUBELET }
      : { phase: 'pulling', waitsFor: `image ${container.image ?? ''}` }
  }
  if (container.name === PULL_GATE) return waitingGate(container.name, 'a pull slot', running)
  if (container.name === START_GATE) return waitingGate(container.name, 'a start slot', running)
  return { phase: 'blocked', waitsFor: `init container ${container.name}` }
}

function waitingGate(gate: string, waitsFor: string, running: boolean): PodPhase {
  return running ? { phase: 'pending', waitsFor, gate } : { phase: 'pending', waitsFor }
}

/** A container that does not run: past its start gate it holds a slot, without one nobody knows what keeps it. */
function notRunning(container: ObservedContainer, hasGate: boolean): PodPhase {
  if (hasGate) return { phase: 'starting', waitsFor: KUBELET }
  // The status does not tell the making of a sandbox from a pull.
  return { phase: 'pulling', waitsFor: `sandbox or image ${container.image ?? ''}` }
}

/** Undefined for one that does not run and never did. */
function appPhase(
  container: ObservedContainer,
  status: ObservedStatus | undefined,
  nowMs: number,
): PodPhase | undefined {
  const bad = badReason(status)
  if (bad) return { phase: 'failed', waitsFor: bad }
  if (status?.state?.terminated) return { phase: 'ready', waitsFor: '' }
  const startedAt = status?.state?.running?.startedAt
  if (!status || startedAt === undefined) return undefined
  if (pastStarting(container, status)) return { phase: 'ready', waitsFor: '' }
  if (container.startupProbe || container.readinessProbe) return { phase: 'starting', waitsFor: 'its probe' }
  return nowMs < Date.parse(startedAt) + SETTLE_MS
    ? { phase: 'starting', waitsFor: 'its settle time' }
    : { phase: 'ready', waitsFor: '' }
}

function badReason(status: ObservedStatus | undefined): string | undefined {
  const ended = status?.state?.terminated
  if (ended && ended.exitCode !== 0) return `${ended.reason ?? 'Error'} (exit code ${ended.exitCode})`
  const reason = status?.state?.waiting?.reason
  return reason && BAD.test(reason) ? reason : undefined
}
