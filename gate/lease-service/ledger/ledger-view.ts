import type { Scope } from '../limits/scope.ts'
import { CLUSTER, type ScopeAt, type ScopeRef, scopeRef } from '../limits/scope-ref.ts'
import { nodeLimitAt, scopeAt } from '../limits/scopes.ts'
import type { Resource, Ticket, Waiting } from '../model/grant.ts'
import { stampMs, statusOf } from '../pods/container-status.ts'
import { blockedOf, eachStanding } from '../queue/line-up.ts'
import type { LedgerState } from './ledger-state.ts'

/** One limit of one resource, and what is used of it. */
export interface ScopeFact {
  resource: Resource
  ref: ScopeRef
  /** Undefined where there is no limit. */
  scope: Scope | undefined
  held: number
  debt: number
}

/** One ticket that waits, as the last step said. */
export interface WaitingFact {
  row: Waiting
  ticket: Ticket
  /** What blocks it, and slots in use there; undefined where it stands in no line. */
  obstacle: { scope: Scope; inUse: number } | undefined
  /** When it first asked this leader. Monotonic ms. */
  askedAtMs: number | undefined
  /** When its gate's container began to run, by the pod's status. Wall clock. */
  startedAtMs: number | undefined
}

/** A number for each resource. */
export type ByResource<T> = Record<Resource, T>

export interface NodeFact {
  name: string
  cores: number
  lost: boolean
  held: ByResource<number>
  debt: ByResource<number>
  /** Infinity where there is none. */
  limit: ByResource<number>
}

/** What a ledger knows, for people. Nothing in it is to be changed. */
export interface LedgerView {
  /** Every scope that is used, waited for, or limited by somebody's annotation or the chart's values. */
  scopes(): ScopeFact[]
  waiting(): WaitingFact[]
  nodes(): Iterable<NodeFact>
}

const RESOURCES = ['pull', 'start'] as const
const NAMESPACE_FIELD = { start: 'maxStarting', pull: 'maxPulling' } as const

export function ledgerView(state: LedgerState): LedgerView {
  return {
    scopes: () => RESOURCES.flatMap(resource => scopesIn(state, resource)),
    waiting: () => waitingIn(state),
    nodes: () => nodesIn(state),
  }
}

function scopesIn(state: LedgerState, resource: Resource): ScopeFact[] {
  const { parts, known, lines } = state
  const refs = new Map<string, ScopeRef>([[CLUSTER.id, CLUSTER]])
  const note = (ref: ScopeRef): void => void refs.set(ref.id, ref)
  for (const ref of parts.usage.scopes(resource)) note(ref)
  eachStanding(lines, ({ ticket, obstacle }) => void (ticket.resource === resource && note(obstacle.scope)))
  for (const at of writtenIn(state, resource)) note(scopeRef(at))
  return refs
    .values()
    .map(ref => ({
      resource,
      ref,
      scope: scopeAt(resource, ref, known.limits),
      held: parts.usage.held(resource, ref.id),
      debt: parts.usage.debt(resource, ref.id),
    }))
    .toArray()
}

/** Where somebody wrote a limit or a freeze, used or not; of nodes their own rows tell. */
function* writtenIn({ known }: LedgerState, resource: Resource): Iterable<ScopeAt> {
  const { namespaces, settings } = known.limits
  if (resource === 'pull') for (const registry of Object.keys(settings.registries)) yield { kind: 'registry', registry }
  if (resource === 'start' && settings.cluster.maxStartRate) yield { kind: 'cluster-rate' }
  for (const [namespace, written] of namespaces) {
    if (written.mode === 'off') continue
    // A freeze on startgate's own namespace is the cluster's.
    const isFrozen = written.frozen !== undefined && namespace !== settings.ownNamespace
    if (isFrozen || written[NAMESPACE_FIELD[resource]] !== undefined) yield { kind: 'namespace', namespace }
    if (resource === 'start' && written.maxStartRate) yield { kind: 'namespace-rate', namespace }
  }
}

function waitingIn({ rows, lines, asked, waiting, known }: LedgerState): WaitingFact[] {
  const blocked = blockedOf(lines)
  const tickets = rows.size > blocked.length ? new Map(asked.map(ticket => [ticket.key, ticket])) : undefined
  const facts: WaitingFact[] = []
  for (const [i, row] of rows.all().entries()) {
    const inLine = blocked[i]
    const ticket = inLine?.ticket ?? tickets?.get(row.key)
    if (!ticket) continue
    const pod = known.podOf(ticket.podUid)
    const started = pod && statusOf(pod, ticket.gate)?.state?.running?.startedAt
    const { scope, inUse = 0 } = inLine?.obstacle ?? {}
    facts.push({
      row,
      ticket,
      obstacle: scope && { scope, inUse },
      askedAtMs: waiting.sinceMs(ticket),
      startedAtMs: stampMs(started),
    })
  }
  return facts
}

function* nodesIn({ known, parts }: LedgerState): Iterable<NodeFact> {
  for (const [name, { cores, lost }] of known.limits.nodes) {
    const { id } = scopeRef({ kind: 'node', node: name })
    const each = (of: (resource: Resource) => number): ByResource<number> => ({ pull: of('pull'), start: of('start') })
    yield {
      ...{ name, cores, lost },
      held: each(resource => parts.usage.held(resource, id)),
      debt: each(resource => parts.usage.debt(resource, id)),
      limit: each(resource => nodeLimitAt(resource, name, known.limits)),
    }
  }
}
