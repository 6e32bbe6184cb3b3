import type { CheckFacts } from './facts.ts'
import { judgeApi, judgeRights } from './judge-api.ts'
import { judgeImages } from './judge-images.ts'
import { judgeLeader } from './judge-leader.ts'
import { judgeFreeze, judgeNamespaces } from './judge-namespaces.ts'
import { judgePolicies } from './judge-policies.ts'
import { judgePrograms } from './judge-programs.ts'
import { judgeWaiters } from './judge-waiters.ts'
import { judgeTrial, judgeWebhook } from './judge-webhook.ts'
import type { Line } from './line.ts'

/**
 * All lines, what breaks everything first. Without an API server, or without startgate in the cluster, there is nothing
 * more to say.
 */
export function judge(facts: CheckFacts): Line[] {
  const lines = judgeApi(facts)
  if (facts.api.kind !== 'known') return lines
  lines.push(...judgeRights(facts), ...judgeWebhook(facts))
  if (facts.webhook.kind === 'absent') return lines
  return [
    ...lines,
    ...judgePrograms(facts),
    ...judgeWaiters(facts),
    ...judgeLeader(facts),
    ...judgeTrial(facts),
    ...judgeImages(facts),
    ...judgeFreeze(facts),
    ...judgeNamespaces(facts),
    ...judgePolicies(facts),
  ]
}
