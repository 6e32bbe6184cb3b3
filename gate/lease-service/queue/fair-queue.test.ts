import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Scope } from '../limits/scope.ts'
import { CLUSTER, ownScopeRefsOf, sourceRefsOf } from '../limits/scope-ref.ts'
import type { Ticket } from '../model/grant.ts'
import { compareTickets } from './compare-tickets.ts'
import { type Decided, decide, type QueueFacts } from './fair-queue.ts'
import { reasonOf } from './wait-reason.ts'

function ticket(uid: string, fields: Partial<Ticket> = {}): Ticket {
  return {
    key: `start.${uid}.1`,
    resource: 'start',
    gate: 'startgate-start',
    attempt: 1,
    podUid: uid,
    podName: uid,
    namespace: 'a',
    nodeName: 'n',
    containers: [],
    slots: 1,
    images: [],
    priority: 0,
    createdAtMs: 0,
    ...fields,
  }
}

/** Facts from plain tables: limits and slots in use by scope id. */
function factsOf(limits: Record<string, number>, inUse: Record<string, number> = {}): QueueFacts {
  return {
    scopesOf: t =>
      [CLUSTER, ...ownScopeRefsOf(t), ...sourceRefsOf(t)].flatMap(ref => {
        const { [ref.id]: limit } = limits
        return limit === undefined ? [] : [{ ...ref, limit, subject: ref.id, source: `max: ${limit} on ${ref.id}` }]
      }),
    inUse: ({ id }) => inUse[id] ?? 0,
    debt: () => 0,
    weightOf: () => 1,
    heldBy: (namespace, { id }) =>
      inUse[id.startsWith('node/') ? `namespace/${namespace}/${id}` : `namespace/${namespace}`] ?? 0,
  }
}

interface Case {
  waiting: Ticket[]
  limits: Record<string, number>
  inUse?: Record<string, number>
  want: string[]
  wantReasons?: string[]
}

const cases: Record<string, Case> = {
  'the namespace that holds least goes first': {
    waiting: [ticket('1'), ticket('2', { namespace: 'b', createdAtMs: 9 })],
    limits: { cluster: 3 },
    inUse: { cluster: 2, 'namespace/a': 2 },
    want: ['2'],
  },
  'what is taken counts at once: two namespaces take turns': {
    waiting: [ticket('1'), ticket('2'), ticket('3', { namespace: 'b', createdAtMs: 9 })],
    limits: { cluster: 2 },
    want: ['1', '3'],
  },
  'priority goes before age': {
    waiting: [ticket('1', { createdAtMs: 1 }), ticket('2', { createdAtMs: 9, priority: 5 })],
    limits: { cluster: 1 },
    want: ['2'],
  },
  'the older goes first': {
    waiting: [ticket('1', { createdAtMs: 9 }), ticket('2', { createdAtMs: 1 })],
    limits: { cluster: 1 },
    want: ['2'],
  },
  'of the same age the lower UID goes first': {
    waiting: [ticket('2'), ticket('1')],
    limits: { cluster: 1 },
    want: ['1'],
  },
  'a full node lets others pass on other nodes': {
    waiting: [ticket('1'), ticket('2', { nodeName: 'm', createdAtMs: 9 })],
    limits: { cluster: 9, 'node/n': 1, 'node/m': 1 },
    inUse: { cluster: 1, 'node/n': 1 },
    want: ['2'],
    wantReasons: ['start: node/n has 1 of 1 slots in use; next in line'],
  },
  'a request that needs more than is free is not overtaken in that scope': {
    waiting: [ticket('1', { slots: 3 }), ticket('2', { createdAtMs: 9 })],
    limits: { 'node/n': 4 },
    inUse: { 'node/n': 2 },
    want: [],
    wantReasons: [
      'start: needs 3 slots, node/n has 2 of 4 slots in use; next in line',
      'start: node/n has 2 of 4 slots in use, one ahead waits for more; 2nd in line',
    ],
  },
  'all or nothing: no slot is held for one that waits': {
    waiting: [ticket('1', { slots: 2 }), ticket('2', { nodeName: 'm', createdAtMs: 9 })],
    limits: { cluster: 3, 'node/n': 1, 'node/m': 3 },
    inUse: { cluster: 1, 'node/n': 1 },
    want: ['2'],
  },
  'a frozen namespace waits and holds up nobody': {
    waiting: [ticket('1'), ticket('2', { namespace: 'b', createdAtMs: 9 })],
    limits: { cluster: 1, 'namespace/a': 0 },
    want: ['2'],
    wantReasons: ['start: frozen by max: 0 on namespace/a'],
  },
  'a frozen ticket closes no scope that is full for it': {
    waiting: [ticket('1', { slots: 4 }), ticket('2', { namespace: 'b', createdAtMs: 9 })],
    limits: { 'node/n': 4, 'namespace/a': 0 },
    inUse: { 'node/n': 1 },
    want: ['2'],
  },
  'one larger than a limit runs alone there': {
    waiting: [ticket('1', { slots: 5 }), ticket('2', { createdAtMs: 9 })],
    limits: { 'node/n': 2 },
    want: ['1'],
    wantReasons: ['start: node/n has 5 of 2 slots in use; next in line'],
  },
  'one larger than a limit waits until it is alone, and the others let the scope run empty': {
    waiting: [ticket('1', { slots: 5 }), ticket('2', { createdAtMs: 9 })],
    limits: { 'node/n': 2 },
    inUse: { 'node/n': 1 },
    want: [],
    wantReasons: [
      'start: needs 5 slots and waits to be alone, node/n has 1 of 2 slots in use; next in line',
      'start: node/n has 1 of 2 slots in use, one ahead waits for more; 2nd in line',
    ],
  },
  'one larger than a limit still obeys the others': {
    waiting: [ticket('1', { slots: 5 })],
    limits: { 'node/n': 2, cluster: 6 },
    inUse: { cluster: 2 },
    want: [],
  },
  'shares are those of the node where they meet': {
    waiting: [ticket('1'), ticket('2', { namespace: 'b', createdAtMs: 9 }), ticket('3', { createdAtMs: 1 })],
    limits: { 'node/n': 2 },
    inUse: { 'node/n': 1, 'namespace/a': 7, 'namespace/b': 1, 'namespace/b/node/n': 1 },
    want: ['1'],
  },
  'between namespaces that hold as much a priority does not count': {
    waiting: [ticket('1', { createdAtMs: 1 }), ticket('2', { namespace: 'b', createdAtMs: 9, priority: 5 })],
    limits: { cluster: 1 },
    want: ['1'],
  },
  'one that its own namespace has no room for closes nothing to others': {
    waiting: [ticket('1', { slots: 3 }), ticket('2', { namespace: 'b', createdAtMs: 9 })],
    limits: { cluster: 4, 'namespace/a': 3 },
    inUse: { cluster: 2, 'namespace/a': 2 },
    want: ['2'],
    wantReasons: ['start: needs 3 slots, namespace/a has 2 of 3 slots in use; next in line'],
  },
  'a limit below what is held stops new ones only': {
    waiting: [ticket('1')],
    limits: { cluster: 1 },
    inUse: { cluster: 3 },
    want: [],
    wantReasons: ['start: cluster has 3 of 1 slots in use; next in line'],
  },
}

describe('who goes now', () => {
  test.each(Object.entries(cases))('%s', (_name, { waiting, limits, inUse, want, wantReasons }) => {
    const { taken, line } = decide(waiting, factsOf(limits, inUse))
    const { blocked } = line
    expect(taken.map(t => t.ticket.podUid)).toEqual(want)
    expect(taken.length + blocked.length).toBe(waiting.length)
    if (wantReasons) expect(blocked.map(reasonOf)).toEqual(wantReasons)
  })

  test('places go by turns too', () => {
    const [old, young] = [{}, { namespace: 'b', createdAtMs: 9 }]
    const waiting = [ticket('1', old), ticket('2', old), ticket('3', young), ticket('4', young)]
    const { blocked } = decide(waiting, factsOf({ cluster: 1 }, { cluster: 1 })).line
    expect(blocked.map(b => `${b.ticket.podUid}: ${b.place} of ${b.of}`)).toEqual([
      '1: 1 of 4',
      '3: 2 of 4',
      '2: 3 of 4',
      '4: 4 of 4',
    ])
  })

  test('one that runs alone says where', () => {
    const { taken } = decide([ticket('1', { slots: 5 })], factsOf({ 'node/n': 2, cluster: 9 }))
    expect(taken[0]?.oversizeIn.map(s => s.id)).toEqual(['node/n'])
  })
})

describe('a namespace counts in a scope for its share of the limit at most', () => {
  const shared = (inUse: Record<string, number>): QueueFacts => {
    const facts = factsOf({ cluster: 10, 'namespace/a': 7 }, inUse)
    return { ...facts, scopesOf: t => facts.scopesOf(t).map(s => (s.id === 'cluster' ? { ...s, share: 7 } : s)) }
  }
  const huge = ticket('1', { slots: 11 })
  const small = ticket('2', { namespace: 'b', createdAtMs: 9 })
  const takes = (inUse: Record<string, number>) => decide([huge, small], shared(inUse)).taken.map(t => t.ticket.podUid)

  test('a larger pod runs alone in its namespace, beside what the others may hold in any case', () => {
    expect([takes({ cluster: 2 }), takes({ cluster: 3 })]).toEqual([['1', '2'], ['1']])
    expect(decide([huge], shared({})).taken[0]?.oversizeIn.map(s => s.id)).toEqual(['namespace/a'])
  })

  test('while the others hold more it waits like any other, and none of its namespace goes with it', () => {
    expect([takes({ cluster: 4 }), takes({ cluster: 4, 'namespace/a': 1 })]).toEqual([[], ['2']])
  })
})

const someTicket = fc.record({
  namespace: fc.constantFrom('a', 'b', 'c'),
  nodeName: fc.constantFrom('n', 'm'),
  slots: fc.constantFrom(1, 1, 1, 2, 3, 5),
  priority: fc.constantFrom(0, 0, 10),
  createdAtMs: fc.nat(3),
})
const someTickets = fc
  .array(someTicket, { maxLength: 25 })
  .map(list => list.map((fields, i) => ticket(`uid-${String(i).padStart(2, '0')}`, fields)))
const someNumbers = (max: number) =>
  fc.dictionary(
    fc.constantFrom(
      'cluster',
      ...['n', 'm'].map(n => `node/${n}`),
      ...['a', 'b', 'c'].flatMap(a => [`namespace/${a}`, `namespace/${a}/node/n`]),
    ),
    fc.nat(max),
  )
const someWeights = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(0.01, 1, 3, 100))
const someFacts = fc
  .tuple(someNumbers(6), someNumbers(3), someWeights)
  .map(([limits, inUse, weights]) => ({ ...factsOf(limits, inUse), weightOf: (name: string) => weights[name] ?? 1 }))

const isShared = ({ id }: Scope) => !id.startsWith('namespace/')
const isOfNode = ({ id }: Scope) => id.includes('node/')

const sum = (all: Ticket[]) => all.reduce((slots, t) => slots + t.slots, 0)
const usesIn = (facts: QueueFacts, t: Ticket, s: Scope) => facts.scopesOf(t).some(o => o.id === s.id)
const lackingWith = (facts: QueueFacts, taken: Ticket[], t: Ticket) => {
  const used = (s: Scope) => facts.inUse(s) + sum(taken.filter(o => usesIn(facts, o, s)))
  return facts.scopesOf(t).filter(s => (t.slots > s.limit ? used(s) > 0 : used(s) + t.slots > s.limit))
}

/** Where those who have room have none together, and where anybody lacks room. */
function contendedSlowly(able: Ticket[], facts: QueueFacts): Set<string> {
  const free = able.filter(t => lackingWith(facts, [], t).length === 0)
  const there = (s: Scope) => free.filter(t => usesIn(facts, t, s))
  const room = (s: Scope) => s.limit - facts.inUse(s)
  const distinct = [...new Map(free.flatMap(facts.scopesOf).map(s => [s.id, s])).values()].filter(isShared)
  const canGo = distinct.filter(isOfNode).reduce((slots, s) => {
    const largest = there(s).reduce((most, t) => Math.max(most, t.slots), 0)
    return slots + Math.min(sum(there(s)), Math.max(largest, room(s)))
  }, 0)
  const wanted = (s: Scope) => (isOfNode(s) || canGo === 0 ? sum(there(s)) : Math.min(sum(there(s)), canGo))
  const full = able.flatMap(t => lackingWith(facts, [], t))
  return new Set([...distinct.filter(s => wanted(s) > room(s)), ...full].map(s => s.id))
}

/** One a namespace, and one for each node that one of it lacks nothing but. */
function linesSlowly(able: Ticket[], facts: QueueFacts): Ticket[][] {
  const lines = new Map<string, Ticket[]>()
  const stuck = new Set<string>()
  for (const t of able) {
    const lacks = lackingWith(facts, [], t)
    if (lacks.length > 0 && lacks.every(isOfNode)) for (const s of lacks) stuck.add(t.namespace + s.id)
    const at = facts.scopesOf(t).find(s => stuck.has(t.namespace + s.id))
    const name = at ? t.namespace + at.id : t.namespace
    lines.set(name, [...(lines.get(name) ?? []), t])
  }
  return [...lines.values()]
}

/** The rule, word by word and slowly: look again through all for each turn. */
function decideSlowly(tickets: Ticket[], facts: QueueFacts): string[] {
  const taken: Ticket[] = []
  const blockedOn: Scope[] = []
  const able = tickets.filter(t => facts.scopesOf(t).every(s => s.limit > 0)).toSorted(compareTickets)
  const contended = contendedSlowly(able, facts)
  const shareOf = (t: Ticket) =>
    facts.scopesOf(t).reduce((most, s) => {
      if (!isShared(s) || !contended.has(s.id)) return most
      const ours = sum(taken.filter(o => o.namespace === t.namespace && usesIn(facts, o, s)))
      return Math.max(most, (facts.heldBy(t.namespace, s) + ours) * (1 / (facts.weightOf(t.namespace) * s.limit)))
    }, 0)
  const byAge = (a: Ticket, b: Ticket) => compareTickets({ ...a, priority: 0 }, { ...b, priority: 0 })
  const lines = linesSlowly(able, facts)
  for (let left = able.length; left > 0; left--) {
    const heads = lines.flatMap(line => line[0] ?? [])
    const head = heads.reduce((a, b) => ((shareOf(a) - shareOf(b) || byAge(a, b)) <= 0 ? a : b))
    lines.find(line => line[0] === head)?.shift()
    const lacks = lackingWith(facts, taken, head)
    const own = lacks.filter(s => !isShared(s))
    if (lacks.length === 0 && !facts.scopesOf(head).some(s => blockedOn.some(o => o.id === s.id))) taken.push(head)
    blockedOn.push(...(own.length > 0 ? own : lacks))
  }
  return taken.map(t => t.key)
}

describe('for any queue', () => {
  test('the decision is the rule, word by word', () => {
    fc.assert(
      fc.property(someTickets, someFacts, (tickets, facts) => {
        expect(decide(tickets, facts).taken.map(t => t.ticket.key)).toEqual(decideSlowly(tickets, facts))
      }),
    )
  })

  test('the order in which tickets are kept does not matter', () => {
    const shuffled = someTickets.chain(tickets =>
      fc.tuple(fc.constant(tickets), fc.shuffledSubarray(tickets, { minLength: tickets.length })),
    )
    fc.assert(
      fc.property(shuffled, someFacts, ([tickets, others], facts) => {
        const said = ({ taken, line }: Decided) => ({ taken, blocked: line.blocked })
        expect(said(decide(others, facts))).toEqual(said(decide(tickets, facts)))
      }),
    )
  })

  test('every ticket is taken or has a place of its own in one line', () => {
    fc.assert(
      fc.property(someTickets, someFacts, (tickets, facts) => {
        const { taken, line: whole } = decide(tickets, facts)
        const { blocked } = whole
        const keys = [...taken, ...blocked].map(t => t.ticket.key)
        expect(keys.toSorted()).toEqual(tickets.map(t => t.key).toSorted())
        const lines = Map.groupBy(blocked, b => b.obstacle.scope.id)
        for (const line of lines.values()) {
          expect(line.map(b => b.place)).toEqual(line.map((_, i) => i + 1))
          expect(new Set(line.map(b => b.of))).toEqual(new Set([line.length]))
        }
      }),
    )
  })
})

describe('debt', () => {
  const inDebt = (debt: number, held: number): QueueFacts => ({
    ...factsOf({ 'node/n': 4 }, { 'node/n': held }),
    debt: ({ id }) => (id === 'node/n' ? debt : 0),
  })
  const takes = (facts: QueueFacts, slots = 1) => decide([ticket('1', { slots })], facts).taken.length

  test('takes room from a limit', () => {
    expect([0, 1, 2].map(debt => takes(inDebt(debt, 2)))).toEqual([1, 1, 0])
  })

  test('lowers it to one at worst: a hundred crash-loopers do not freeze a node', () => {
    expect([takes(inDebt(100, 0)), takes(inDebt(100, 1))]).toEqual([1, 0])
  })

  test('does not keep out for ever what needs several slots', () => {
    expect([takes(inDebt(100, 0), 3), takes(inDebt(1, 1), 3)]).toEqual([1, 0])
  })

  test('is told apart in the reason', () => {
    const [blocked] = decide([ticket('1')], inDebt(2, 2)).line.blocked
    expect(blocked && reasonOf(blocked)).toBe(
      'start: node/n has 4 of 4 slots in use, 2 of them by starts without a slot; next in line',
    )
  })
})

test('a namespace of weight 3 gets three times as much', () => {
  const waiting = ['1', '2', '3', '4', '5', '6'].flatMap(i => [ticket(`a${i}`), ticket(`b${i}`, { namespace: 'b' })])
  const facts = { ...factsOf({ cluster: 4 }), weightOf: (namespace: string) => (namespace === 'b' ? 3 : 1) }
  const taken = decide(waiting, facts).taken.map(({ ticket: t }) => t.namespace)
  expect(taken.filter(n => n === 'b')).toHaveLength(3)
})

describe('a ticket that was passed over for too long', () => {
  const big = ticket('9', { slots: 2, createdAtMs: 9, namespace: 'b' })
  const small = ticket('1', { nodeName: 'm', namespace: 'b' })
  const limits = { 'node/n': 2, 'namespace/b': 2 }

  test('goes before all others', () => {
    const facts = factsOf(limits)
    expect(decide([big, small], facts).taken.map(t => t.ticket.key)).toEqual([small.key])
    expect(decide([big, small], { ...facts, first: big.key }).taken.map(t => t.ticket.key)).toEqual([big.key])
  })

  test('keeps the room that it finds while it lacks other room', () => {
    const facts = factsOf(limits, { 'node/n': 1 })
    expect(decide([big, small], facts).taken).toHaveLength(1)
    expect(decide([big, small], { ...facts, first: big.key }).taken).toEqual([])
  })
})
