import type { WaitingGate } from '../../../core/state-rows.ts'
import type { WaitingFact } from '../ledger/ledger-view.ts'

/** What is told of a ticket that waits. `wallOffsetMs`: wall minus monotonic time. */
export function waitingGate(
  { row, ticket, obstacle, askedAtMs, startedAtMs }: WaitingFact,
  wallOffsetMs: number,
): WaitingGate {
  const { key, resource, namespace, podName, podUid, gate, containers, slots, nodeName, createdAtMs } = ticket
  const { place, of, cause, reason, estimateMs } = row
  const asked = (askedAtMs ?? 0) + wallOffsetMs
  // The stamp is the kubelet's, whose clock may be off: no gate is older than its pod, by the API server's clock.
  const sinceMs = startedAtMs === undefined ? asked : Math.min(asked, Math.max(startedAtMs, createdAtMs))
  return {
    ...{ id: key, resource, namespace, pod: podName, podUid, gate, containers, slots, node: nodeName },
    ...{ place, of, cause, reason, sinceMs: Math.round(sinceMs) },
    ...(estimateMs !== undefined && { estimateMs: inSteps(estimateMs) }),
    ...(obstacle && { scope: obstacle.scope.id }),
  }
}

/** Each estimate up to so much is told in steps of so much. In ms. */
const STEPS = [
  { upToMs: 10_000, stepMs: 1_000 },
  { upToMs: 60_000, stepMs: 5_000 },
  { upToMs: 600_000, stepMs: 30_000 },
]
const LONGEST_STEP_MS = 300_000

/** Rounded up, so that a row does not change with every slot that is given back. */
function inSteps(estimateMs: number): number {
  const step = STEPS.find(({ upToMs }) => estimateMs <= upToMs)?.stepMs ?? LONGEST_STEP_MS
  return Math.ceil(estimateMs / step) * step
}
