import { messageOf } from '../../core/errors.ts'
import type { State } from '../../core/state-api.ts'
import { connect } from '../../plugin/cluster/connect.ts'
import { followState } from '../../plugin/state/state-watch.ts'
import type { LimitStep } from './busy-slots.ts'

/** Start limits of a namespace's pods on each node, as the leader tells them over time. */
export interface LimitWatch {
  steps: LimitStep[]
  stop(): Promise<void>
}

/**
 * Follows the state API, as far as it goes: `tell` hears what is wrong. It costs the leader no more than a twentieth of
 * its time; steps come a second late at most.
 */
export async function watchLimits(
  kubeconfig: string,
  namespace: string,
  tell: (trouble: string) => void,
): Promise<LimitWatch> {
  const cluster = await connect({ kubeconfig })
  const steps: LimitStep[] = []
  const ended = new AbortController()
  const following = followState({
    cluster,
    startgateNamespace: undefined,
    warn: tell,
    query: { namespace, limit: 1 },
    signal: ended.signal,
    onState: state => void steps.push(...changed(steps, limitsIn(state, namespace), Date.now())),
    onTrouble: tell,
  }).catch(error => tell(messageOf(error)))
  return {
    steps,
    stop: () => {
      ended.abort()
      return following
    },
  }
}

/** By node: the lowest of the limits that pods of a namespace have there for starts. */
export function limitsIn(state: Pick<State, 'scopes'>, namespace: string): Map<string, number> {
  const limits = new Map<string, number>()
  for (const { resource, kind, name, node, limit } of state.scopes.items) {
    if (resource !== 'start' || limit === undefined) continue
    const where = kind === 'node' ? name : kind === 'namespace-on-node' && name === namespace ? node : undefined
    if (where !== undefined) limits.set(where, Math.min(limit, limits.get(where) ?? limit))
  }
  return limits
}

/** What is not as the last step of its node says. */
function changed(steps: readonly LimitStep[], limits: ReadonlyMap<string, number>, atMs: number): LimitStep[] {
  const isNew = ([node, limit]: [string, number]) => steps.findLast(step => step.node === node)?.limit !== limit
  return [...limits].filter(isNew).map(([node, limit]) => ({ node, atMs, limit }))
}
