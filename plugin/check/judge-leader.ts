import { ELECTION_TIMES } from '../../core/kube/election-times.ts'
import type { CheckFacts, LeaderFacts } from './facts.ts'
import { bad, judged, type Line, ok, shownSpan, warning } from './line.ts'

/** The Date header is cut to seconds, and the two answers are some time apart. */
const TOLERANCE_MS = 3_000
const CLOCKS = 'let the nodes of the lease service and of the API server follow the same time (NTP)'

/** Whether somebody leads, and how its clock stands to the API server's. */
export function judgeLeader({ leader, programs, startgateNamespace }: CheckFacts): Line[] {
  const log = `kubectl logs -n ${startgateNamespace} -l app.kubernetes.io/component=lease-service`
  return judged(leader, {
    id: 'leader',
    what: 'the election Lease startgate-leader',
    absent: () => [bad('leader', 'no lease service has ever led: there is no Lease startgate-leader', log)],
    known: facts => {
      const holder = facts.spec.holderIdentity?.split('_')[0] ?? ''
      const ageMs = facts.serverMs - Date.parse(facts.spec.renewTime ?? '')
      const isAlive = facts.renewed ?? ageMs < leaseMs(facts)
      if (holder === '' || Number.isNaN(ageMs) || !isAlive) {
        const since = Number.isNaN(ageMs) ? '' : `, the last sign of life is ${shownSpan(ageMs)} old`
        return [bad('leader', `nobody leads${holder ? ` (it was ${holder})` : ''}${since}`, log)]
      }
      const pods = programs['lease-service'].pods
      const isGone = pods.kind === 'known' && !pods.value.some(({ metadata }) => metadata.name === holder)
      return [
        isGone
          ? warning('leader', `${holder} leads by the Lease, and there is no such pod`, 'run this again in 10 s')
          : ok('leader', `${holder} leads`),
        judgeClocks(ageMs, facts),
      ]
    },
  })
}

function leaseMs({ spec }: LeaderFacts): number {
  return (spec.leaseDurationSeconds ?? ELECTION_TIMES.leaseDurationMs / 1000) * 1000 + TOLERANCE_MS
}

/** A renewal is at most a retry period and a call old; what is older, and renewed all the same, is another clock. */
function judgeClocks(ageMs: number, facts: LeaderFacts): Line {
  if (ageMs < -TOLERANCE_MS)
    return warning('clocks', `the leader's clock is ${shownSpan(ageMs)} ahead of the API server's`, CLOCKS)
  if (ageMs > leaseMs(facts))
    return warning('clocks', `the leader's clock is ${shownSpan(ageMs)} behind the API server's`, CLOCKS)
  return ok('clocks', "the leader's clock and the API server's agree")
}
