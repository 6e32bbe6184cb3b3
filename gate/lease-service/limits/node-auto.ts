import type { AutoLimit } from '../auto/auto-limit.ts'
import { usualLimit, usualMax } from '../auto/bounds.ts'
import { nodeBound } from './bounds.ts'
import type { LimitFacts } from './scope.ts'

type NodeLimitFacts = Pick<LimitFacts, 'settings' | 'nodes' | 'autos'>

/** Without figures it is what a node has for which nobody wrote a limit. */
export function autoLimitOn(nodeName: string, { settings, nodes, autos }: NodeLimitFacts): AutoLimit {
  const cores = nodes.get(nodeName)?.cores ?? 1
  const { limit, reason } = autos?.at(nodeName) ?? { limit: usualLimit(cores), reason: 'nothing known of it' }
  return { limit: Math.min(mostOf(settings, cores), limit), reason }
}

/**
 * `max`: the most that `auto` may come to on a node, the chart's or a number that is written for it too, whichever is
 * lower. `isOwn`: `auto` is written for the node, and not only for a namespace perhaps.
 */
export function autoMaxOn(nodeName: string, { settings, nodes }: NodeLimitFacts): { max: number; isOwn: boolean } {
  const facts = nodes.get(nodeName)
  const cores = facts?.cores ?? 1
  const boundWith = (auto: number) => nodeBound('start', settings, { name: nodeName, facts, auto })
  const written = boundWith(Number.POSITIVE_INFINITY)?.limit ?? Number.POSITIVE_INFINITY
  const max = Math.min(mostOf(settings, cores), written)
  return { max: Math.max(1, max), isOwn: boundWith(0)?.isAuto ?? false }
}

/** The chart's. */
function mostOf({ node }: LimitFacts['settings'], cores: number): number {
  return node.maxStartingAutoMax ?? usualMax(cores)
}
