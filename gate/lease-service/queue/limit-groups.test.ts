import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NamespaceSettings } from '../../../core/annotations.ts'
import { lineTicket } from '../../simulation/line.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { LimitFacts, Scope } from '../limits/scope.ts'
import { CLUSTER, scopeRef } from '../limits/scope-ref.ts'
import { scopesOf } from '../limits/scopes.ts'
import { Usage } from '../limits/slot-usage.ts'
import type { Ticket } from '../model/grant.ts'
import { Admission, type Admitted } from './admission.ts'
import { LimitGroups } from './limit-groups.ts'
import { blockedOf } from './line-up.ts'

const NODES = ['x', 'y', 'z']
const NAMESPACES = ['a', 'b']

const ticketOf = (i: number, namespace: string, nodeName: string, slots = 1): Ticket =>
  lineTicket({ name: `p${i}`, namespace, nodeName, slots, priority: 0, holdsMs: 0, createdAtMs: i })

const onNode = (node: string): Scope => ({
  ...scopeRef({ kind: 'node', node }),
  ...{ limit: 1, subject: `node ${node}`, source: 'a test' },
})

function groupsBy(scopesFor: (ticket: Ticket) => Scope[]) {
  const groups = new LimitGroups({ scopesOf: scopesFor, weightOf: () => 1 })
  return (tickets: Ticket[]) => groups.gather(tickets).map(([, each]) => each.map(t => t.podUid))
}

test('tickets that have no limit in common are apart, also when a third one has one with each', () => {
  const tickets = [ticketOf(0, 'a', 'x'), ticketOf(1, 'a', 'y'), ticketOf(2, 'b', 'x'), ticketOf(3, 'b', 'y')]
  expect(groupsBy(({ nodeName }) => [onNode(nodeName)])(tickets)).toHaveLength(2)
  const both = groupsBy(({ nodeName, namespace }) =>
    namespace === 'b' && nodeName === 'y' ? [onNode('y'), onNode('x')] : [onNode(nodeName)],
  )
  expect(both(tickets.slice(0, 3))).toHaveLength(2)
  expect(both(tickets)).toHaveLength(1)
  expect(groupsBy(() => [])([...tickets])).toHaveLength(4)
})

test('those whom a limit made one group are apart again when it went', () => {
  let isFrozen = true
  const cluster: Scope = { ...CLUSTER, limit: 0, subject: 'the cluster', source: 'a test' }
  const scopesFor = ({ nodeName }: Ticket) => [...(isFrozen ? [cluster] : []), onNode(nodeName)]
  const groups = new LimitGroups({ scopesOf: scopesFor, weightOf: () => 1 })
  const tickets = NODES.map((node, i) => ticketOf(i, 'a', node))
  const countAt = (version: number): number => {
    groups.look(version, tickets)
    return groups.gather(tickets).length
  }
  const counts = [countAt(1)]
  isFrozen = false
  expect([...counts, countAt(2)]).toEqual([1, 3])
})

test('a limit that a namespace takes away makes no group anew that it was not in', () => {
  let isLimited = true
  const own: Scope = { ...scopeRef({ kind: 'namespace', namespace: 'a' }), limit: 1, subject: 'a', source: 'a test' }
  const scopesFor = ({ namespace, nodeName }: Ticket) => [
    ...(isLimited && namespace === 'a' ? [own] : []),
    onNode(nodeName),
  ]
  const groups = new LimitGroups({ scopesOf: scopesFor, weightOf: () => 1 })
  const tickets = [ticketOf(0, 'a', 'x'), ticketOf(1, 'a', 'y'), ticketOf(2, 'b', 'z')]
  const groupsAt = (version: number) => {
    groups.look(version, tickets)
    return groups.gather(tickets).map(([group]) => group)
  }
  const before = groupsAt(1)
  isLimited = false
  const after = groupsAt(2)
  expect([before.length, after.length]).toEqual([2, 3])
  expect(after.filter(group => before.includes(group))).toEqual([before[1]])
})

test('where nobody waits any more no limits are looked up', () => {
  let looks = 0
  const scopesFor = ({ nodeName }: Ticket) => {
    looks += 1
    return [onNode(nodeName)]
  }
  const groups = new LimitGroups({ scopesOf: scopesFor, weightOf: () => 1 })
  const tickets = Array.from({ length: 500 }, (_, i) => ticketOf(i, 'a', `n${i}`))
  groups.gather(tickets)
  const [first] = tickets
  const left = first ? [first, ticketOf(500, 'a', 'n0')] : []
  for (const version of [1, 2, undefined]) groups.look(version, left)
  expect([groups.gather(left).length, looks]).toEqual([1, 503])
})

test.each([
  ['a floor', { cluster: { minStartRate: { count: 1, periodMs: 1_000 } } }],
  ['a longest wait', { maxWaitMs: 1_000 }],
])('%s lets the oldest pass of those that wait apart, whatever priority others gave themselves', (_, parts) => {
  const usage = new Usage()
  const settings = { ...DEFAULT_SETTINGS, ...parts, node: { maxStarting: 1 } }
  const facts: LimitFacts = { settings, nodes: new Map(), namespaces: new Map() }
  const admission = new Admission({ usage, scopesOf, facts, sinceMs: 0, askedAtMs: () => 0, limitsVersion: () => 0 })
  for (const [i, node] of ['x', 'y'].entries()) usage.hold(ticketOf(i, 'c', node), 1)
  const tickets = [{ ...ticketOf(9, 'a', 'x'), priority: 1_000_000 }, ticketOf(2, 'b', 'y')]
  expect(admission.decide('start', { tickets, away: [] }, 0).passes).toEqual([])
  const { passes } = admission.decide('start', { tickets, away: [] }, 1_000)
  expect(passes.map(({ ticket }) => ticket.namespace)).toEqual(['b'])
})

const someoneComes = fc.record({
  kind: fc.constant('come' as const),
  namespace: fc.constantFrom(...NAMESPACES),
  node: fc.constantFrom(...NODES),
  slots: fc.integer({ min: 1, max: 3 }),
})
const someAct = fc.oneof(
  { arbitrary: someoneComes, weight: 4 },
  fc.record({ kind: fc.constantFrom('leave' as const, 'end' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('owe' as const), node: fc.constantFrom(...NODES), slots: fc.nat(2) }),
  fc.record({ kind: fc.constant('limit' as const), namespace: fc.constantFrom(...NAMESPACES), limit: fc.nat(3) }),
  fc.record({ kind: fc.constant('weigh' as const), namespace: fc.constantFrom(...NAMESPACES), weight: fc.nat(3) }),
)
type Act = typeof someAct extends fc.Arbitrary<infer T> ? T : never

/** Who waits and who holds, and an admission that keeps what it decided, unless it is made anew for each decision. */
class World {
  waiting: Ticket[] = []
  held: Ticket[] = []
  readonly usage = new Usage()
  readonly #namespaces = new Map<string, NamespaceSettings>()
  #version = 0
  #came = 0
  readonly #make: () => Admission
  readonly #kept: Admission
  readonly #areJoined: boolean
  readonly #node: { maxStarting: number }

  /** `inCluster`: undefined: nodes have limits alone, so what is decided on one is nothing to the others. */
  constructor(perNode: number, inCluster: number | undefined) {
    const cluster = inCluster === undefined ? {} : { maxStarting: inCluster }
    this.#node = { maxStarting: perNode }
    const settings = { ...DEFAULT_SETTINGS, namespaceShare: 1, cluster, node: this.#node }
    const facts: LimitFacts = { settings, nodes: new Map(), namespaces: this.#namespaces }
    const asks = { askedAtMs: () => Number.POSITIVE_INFINITY, sinceMs: 0, limitsVersion: () => this.#version }
    this.#make = () => new Admission({ usage: this.usage, scopesOf, facts, ...asks })
    this.#kept = this.#make()
    // One of their own would join nodes, for as long as they are remembered.
    this.#areJoined = inCluster !== undefined
  }

  do(act: Act): void {
    if (act.kind === 'come') this.waiting.push(ticketOf(this.#came++, act.namespace, act.node, act.slots))
    if (act.kind === 'leave') this.waiting.splice(act.which % (this.waiting.length || 1), 1)
    if (act.kind === 'end')
      for (const ticket of this.held.splice(act.which % (this.held.length || 1), 1)) this.usage.hold(ticket, 0)
    if (act.kind === 'owe') this.usage.owe({ podUid: act.node, namespace: 'c', nodeName: act.node }, act.slots)
    if (act.kind === 'limit' && this.#areJoined) this.#set(act.namespace, { maxStarting: act.limit })
    if (act.kind === 'limit' && !this.#areJoined) this.#limitNodes(act.limit)
    if (act.kind === 'weigh') this.#set(act.namespace, { weight: act.weight + 1 })
  }

  #set(namespace: string, settings: NamespaceSettings): void {
    this.#namespaces.set(namespace, { ...this.#namespaces.get(namespace), ...settings })
    this.#version += 1
  }

  #limitNodes(limit: number): void {
    this.#node.maxStarting = limit
    this.#version += 1
  }

  decide(isKept: boolean): Admitted {
    const admission = isKept ? this.#kept : this.#make()
    const admitted = admission.decide('start', { tickets: [...this.waiting], away: [] }, 0)
    for (const { ticket } of admitted.taken) {
      this.held.push(ticket)
      this.waiting.splice(this.waiting.indexOf(ticket), 1)
      this.usage.hold(ticket, ticket.slots)
    }
    return admitted
  }
}

const shown = ({ taken, lines }: Admitted) => ({
  taken: taken.map(({ ticket }) => ticket.key).sort(),
  blocked: blockedOf(lines)
    .map(row => JSON.stringify(row))
    .sort(),
})

test('what is kept of earlier decisions says what a decision made anew would say', () => {
  const sizes = [fc.integer({ min: 1, max: 3 }), fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })] as const
  fc.assert(
    fc.property(...sizes, fc.array(someAct, { maxLength: 60, size: 'max' }), (perNode, inCluster, acts) => {
      const [one, other] = [new World(perNode, inCluster), new World(perNode, inCluster)]
      for (const act of acts) {
        for (const world of [one, other]) world.do(act)
        expect(shown(one.decide(true))).toEqual(shown(other.decide(false)))
      }
    }),
    { numRuns: 300 },
  )
})
