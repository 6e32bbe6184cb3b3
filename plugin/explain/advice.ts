import { annotationKey } from '../../core/annotations.ts'
import type { ScopeState, WaitingCause, WaitingGate } from '../../core/state-rows.ts'

/** What would help a gate that waits, in sentences. `scope` is what blocks it. */
export function adviceFor(gate: WaitingGate, scope: ScopeState | undefined): string[] {
  return ADVICE[gate.cause](gate, scope)
}

type Advice = (gate: WaitingGate, scope: ScopeState | undefined) => string[]

const LET_GO = (namespace: string): string =>
  `to let all pods of the namespace go at once: kubectl annotate --overwrite namespace ${namespace} startgate.dev/mode=off`

const ADVICE: Record<WaitingCause, Advice> = {
  full: ({ namespace }, scope) => [
    ...timeouts(scope),
    scope ? raise(scope) : 'raise the limit that its reason names',
    LET_GO(namespace),
  ],
  behind: (_, scope) => ['wait: its turn comes after the pods ahead of it', ...(scope ? [`or ${raise(scope)}`] : [])],
  oversize: ({ slots }, scope) => [
    `it needs ${slots} slots, more than the limit, so it starts when it is alone there`,
    ...(scope ? [`raise the limit to ${slots} or more: ${where(scope)}`] : []),
  ],
  frozen: (_, scope) => [`take the freeze away: ${scope ? thaw(scope) : 'its reason names what holds it back'}`],
  order: () => ['look at what it comes after: that must be ready or completed first'],
  'node-lost': ({ node }) => [`look at node ${node} (kubectl describe node ${node}), or delete the pod`],
  'pod-unknown': () => ['wait some seconds; if it stays, look whether the lease service may list pods'],
  'set-aside': () => ['see the Event StartgateSetAside: the API server refuses the Lease (a quota, a policy)'],
}

/** What a ramp's and an automatic limit are grows by itself. */
function raise(scope: ScopeState): string {
  if (scope.kind === 'image')
    return `wait for the nodes that pull it, which let twice as many; or end the ramp: ${where(scope)}`
  return isAuto(scope)
    ? `wait: the node raises its limit while it has idle capacity; or write a number: ${where(scope)}`
    : `raise the limit: ${where(scope)}`
}

/** As limits' sources are written: `limits.node.maxStarting: auto in the chart's values`. */
function isAuto({ source = '' }: ScopeState): boolean {
  return /: auto (in|on) /.test(source)
}

/** Where a limit is written, and how it is changed. */
function where({ source, kind, name, node }: ScopeState): string {
  if (source) return source
  switch (kind) {
    case 'node':
      return `kubectl annotate --overwrite node ${name} startgate.dev/max-starting-per-node=N, or the chart value limits.node`
    case 'namespace':
    case 'namespace-rate':
      return `an annotation of namespace ${name}, or its share of a cluster limit (limits.namespaceShare)`
    case 'namespace-on-node':
      return `the annotation startgate.dev/max-starting-per-node of namespace ${name} (on node ${node})`
    case 'registry':
      return `the chart value limits.registries of ${name}`
    case 'image':
      return 'the chart value limits.pullRamp, or the annotation startgate.dev/pull-ramp of the namespace'
    case 'cluster':
    case 'cluster-rate':
      return 'the chart value limits.cluster'
  }
}

/** What `freeze` wrote, `resume` takes away. */
function thaw(scope: ScopeState): string {
  if (!scope.source?.startsWith(`${annotationKey('frozen')}:`)) return where(scope)
  return `kubectl startgate resume ${scope.kind === 'cluster' ? '--cluster' : `-n ${scope.name}`}`
}

/** Starts without a slot take room that no grant has. */
function timeouts(scope: ScopeState | undefined): string[] {
  if (!scope || scope.debt === 0) return []
  return [`${scope.debt} of the slots are taken by starts without a slot: look for restarting containers there`]
}
