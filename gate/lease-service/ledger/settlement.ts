import { startTimeoutIn } from '../limits/start-timeout.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Step } from './step.ts'

/** Ends what has ended: grants by their pods' statuses, time, nodes and agents' words. */
export function settleGrants(state: LedgerState, step: Step, nowMs: number): void {
  const { holdings, known, reports, waiting, debts, parts } = state
  const { ended, freed, timeouts, troubles } = holdings.settle(nowMs, ({ podUid, attempt, nodeName }) => {
    const entry = known.pods.get(podUid)
    return {
      pod: entry?.pod,
      nodeLost: entry?.nodeGone || known.isNodeLost(nodeName),
      readiness: entry && sequenceOf(entry.pod)?.readiness,
      reports: reports.of(podUid, attempt),
    }
  })
  step.releases = ended.map(({ release }) => release)
  step.timeouts = timeouts
  for (const { grant, error } of troubles) state.troubles.note(grant.podUid, error)
  for (const { release, gateEnded } of ended) {
    // A gate that still listens was never told, so its pod must go on waiting; any other has been served.
    const maybeUntold = !gateEnded && (release.reason === 'TimedOut' || release.reason === 'NodeLost')
    if (maybeUntold) parts.progress.revoked(release.grant)
    else waiting.remove(release.grant.key)
  }
  // Debts may have been settled since their pods were shown, by what was held then.
  for (const podUid of freed) {
    debts.touch(podUid)
    state.triage.touch(podUid)
  }
}

/** Counts what starts without a slot. */
export function settleDebts(state: LedgerState, nowMs: number, wallMs: number): void {
  const { known, holdings, reports, debts, troubles } = state
  const { limits } = known
  debts.settle(
    { ms: nowMs, wallMs },
    podUid => {
      const entry = known.pods.get(podUid)
      if (!entry) return undefined
      const { pod, nodeGone } = entry
      const isOff = known.isOff(pod.metadata.namespace ?? '', pod)
      return {
        pod,
        holding: holdings.holding(podUid),
        isExempt: isOff || nodeGone || known.isNodeLost(pod.spec.nodeName ?? ''),
        reports: reports.latest(podUid),
        settleMs: limits.settings.settleMs,
        startTimeoutMsOf: startTimeoutIn(pod, limits),
      }
    },
    (podUid, error) => troubles.note(podUid, error),
  )
}
