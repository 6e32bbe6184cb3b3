import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Line, type LinePod, lineTicket } from '../../simulation/line.ts'
import { Admission, type AdmissionDeps } from './admission.ts'
import { FIRST_GAP_MS, OVERDUE_MS, Overdue } from './overdue.ts'

const NAMESPACES = ['a', 'b', 'c']
const NODES = ['x', 'y', 'z']
const MAX_HOLDS_MS = 20_000
/** One decision a second: one until a slot is seen to be free, one until it is given. */
const DECISIONS_MS = 2_000

const someStream = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  nodeName: fc.constantFrom(...NODES),
  slots: fc.constantFrom(1, 1, 2, 3),
  priority: fc.constantFrom(0, 0, 10),
  holdsMs: fc.integer({ min: 1, max: MAX_HOLDS_MS / 1_000 }).map(s => s * 1_000),
})
const someWorld = fc.record({
  perNode: fc.integer({ min: 1, max: 3 }),
  inCluster: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  rate: fc.option(fc.constantFrom({ count: 1, periodMs: 5_000 }, { count: 2, periodMs: 1_000 }), { nil: undefined }),
  weights: fc.record({ a: fc.constantFrom(0.01, 1), b: fc.constantFrom(1, 100), c: fc.constantFrom(1, 5) }),
  /** Pods that come one after another, for ever. */
  streams: fc.array(someStream, { minLength: 1, maxLength: 8 }),
  /** Pods that ask at a time; whether all of them are granted in time is looked at. */
  asking: fc.array(fc.tuple(someStream, fc.nat(60)), { minLength: 1, maxLength: 4 }),
})

type World = typeof someWorld extends fc.Arbitrary<infer T> ? T : never

const boundMs = (before: number): number =>
  OVERDUE_MS + (before + 1) * NAMESPACES.length * NODES.length * (FIRST_GAP_MS + MAX_HOLDS_MS + DECISIONS_MS)

/** Names of pods that waited for longer than is promised. */
function tooLate(
  { perNode, inCluster, rate, weights, streams, asking }: World,
  make?: (deps: AdmissionDeps) => Admission,
) {
  // A namespace's share of the cluster's limit is its own limit, and what that keeps back is not promised anything.
  const cluster = { ...(inCluster && { maxStarting: inCluster }), ...(rate && { maxStartRate: rate }) }
  const line = new Line({ settings: { cluster, node: { maxStarting: perNode }, namespaceShare: 100 }, weights }, make)
  const pods = asking.map(([pod, second], i): LinePod => {
    const atMs = second * 1_000
    return { ...pod, name: `asks-${i}`, createdAtMs: atMs, asksAtMs: atMs }
  })
  for (const pod of pods) line.come(pod)
  const last: (string | undefined)[] = streams.map(() => undefined)
  const isLate = (nowMs: number) => (pod: LinePod) => {
    const before = line.outcomes.filter(o => o.pod.namespace === pod.namespace && o.pod.createdAtMs < pod.createdAtMs)
    const outcome = line.outcomes.find(o => o.pod === pod)
    return Math.min(outcome?.grantedAtMs ?? 0, nowMs) - pod.createdAtMs > boundMs(before.length)
  }
  const untilMs = boundMs(1) + 60_000
  for (let nowMs = 0; nowMs <= untilMs && pods.some(pod => line.isWaiting(pod.name)); nowMs += 1_000) {
    for (const [i, stream] of streams.entries()) {
      const name = last[i]
      if (name !== undefined && line.isWaiting(name)) continue
      last[i] = `stream-${i}-${nowMs}`
      line.come({ ...stream, name: `stream-${i}-${nowMs}`, createdAtMs: nowMs })
    }
    line.step(nowMs)
    if (nowMs > boundMs(0) && pods.some(isLate(nowMs))) return pods.filter(isLate(nowMs)).map(({ name }) => name)
  }
  return []
}

describe('whatever others send, a pod is granted in time from when its gate first asked', () => {
  test('by any arrivals, weights, priorities, nodes, limits and rates', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(someWorld, world => {
        expect(tooLate(world)).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  test('which would not be so if nobody went before the turns', { timeout: 120_000 }, () => {
    const never = (deps: AdmissionDeps) => new Admission({ ...deps, askedAtMs: () => Number.POSITIVE_INFINITY })
    const found = fc.check(
      fc.property(someWorld, world => tooLate(world, never).length === 0),
      { numRuns: 500, endOnFailure: true },
    )
    expect(found.failed).toBe(true)
  })
})

describe('who goes before all turns', () => {
  const ticket = (name: string, fields: Partial<LinePod> = {}) =>
    lineTicket({ name, namespace: 'a', nodeName: 'x', createdAtMs: 0, holdsMs: 0, ...fields })
  const facts = (askedAtMs: Record<string, number> = {}, lacking: string[] = [], fullNodes: string[] = []) => ({
    askedAtMs: ({ podUid }: { podUid: string }) => askedAtMs[podUid] ?? 0,
    hasOwnRoom: ({ podUid }: { podUid: string }) => !lacking.includes(podUid),
    waitsLocally: ({ nodeName }: { nodeName: string }) => fullNodes.includes(nodeName),
  })

  test('nobody where none has waited for long, then the oldest of the namespace, whatever its priority and wherever it is', () => {
    const overdue = new Overdue()
    const tickets = [ticket('1', { priority: 9, createdAtMs: 1 }), ticket('2', { nodeName: 'y' }), ticket('3')]
    const asked = facts({ 2: 1_000, 3: 9 })
    expect(overdue.first(tickets, asked, OVERDUE_MS - 1)).toBeUndefined()
    expect(overdue.first(tickets, asked, OVERDUE_MS + 999)).toBe('start.2.1')
  })

  test('nodes of a namespace take turns as far as their oldest wait for the node, with the oldest of the others', () => {
    const overdue = new Overdue()
    const at = (name: string, nodeName: string) => ticket(name, { nodeName, createdAtMs: Number(name) })
    let waiting = [at('1', 'x'), at('2', 'y'), at('3', 'x'), at('4', 'z'), at('5', 'w')]
    const order = [0, 1, 2, 3].map(i => {
      const key = overdue.first(waiting, facts({}, [], ['x', 'y']), OVERDUE_MS + i * FIRST_GAP_MS)
      const gone = waiting.find(t => t.key === key)
      if (gone) overdue.granted(gone)
      waiting = waiting.filter(t => t !== gone)
      return key
    })
    expect(order).toEqual(['start.1.1', 'start.2.1', 'start.4.1', 'start.5.1'])
  })

  test('under a ramp images on one node take turns too', () => {
    const pulls = (name: string, image: string) => ({
      ...ticket(name, { createdAtMs: Number(name) }),
      images: [`registry/${image}`],
    })
    const waiting = [pulls('1', 'a'), pulls('2', 'a'), pulls('3', 'b')]
    const secondBy = (overdue: Overdue) => {
      const [first, ...rest] = waiting
      overdue.first(waiting, facts({}, [], ['x']), OVERDUE_MS)
      if (first) overdue.granted(first)
      return overdue.first(rest, facts({}, [], ['x']), OVERDUE_MS + FIRST_GAP_MS)
    }
    expect(secondBy(new Overdue(() => true))).toBe('start.3.1')
    expect(secondBy(new Overdue())).toBe('start.2.1')
  })

  test('one at a time, one in ten seconds, and namespaces in turns', () => {
    const overdue = new Overdue()
    let waiting = [ticket('1'), ticket('2'), ticket('3', { nodeName: 'y' }), ticket('4', { namespace: 'b' })]
    const order = [0, 1, 2, 3].map(i => {
      const nowMs = OVERDUE_MS + i * FIRST_GAP_MS
      const key = overdue.first(waiting, facts(), nowMs)
      expect(overdue.first(waiting, facts(), nowMs + 3 * FIRST_GAP_MS)).toBe(key)
      const gone = waiting.find(t => t.key === key)
      if (gone) overdue.granted(gone)
      waiting = waiting.filter(t => t !== gone)
      expect(overdue.first(waiting, facts(), nowMs + FIRST_GAP_MS - 1)).toBeUndefined()
      return key
    })
    expect(order).toEqual(['start.1.1', 'start.4.1', 'start.2.1', 'start.3.1'])
  })

  test('nobody whose own namespace has no room for it', () => {
    const tickets = [ticket('1'), ticket('2', { namespace: 'b' })]
    expect(new Overdue().first(tickets, facts({ 2: 9 }, ['1']), OVERDUE_MS + 9)).toBe('start.2.1')
  })

  test('nobody for the sake of one that a 0 keeps back', () => {
    const tickets = [ticket('1'), ticket('2', { nodeName: 'y' })]
    expect(new Overdue().first(tickets, facts({ 2: 9 }, ['1'], ['x']), OVERDUE_MS)).toBeUndefined()
  })

  test('and no longer one that its namespace keeps back meanwhile', () => {
    const overdue = new Overdue()
    const tickets = [ticket('1'), ticket('2', { namespace: 'b' })]
    expect(overdue.first(tickets, facts(), OVERDUE_MS)).toBe('start.1.1')
    expect(overdue.first(tickets, facts({}, ['1']), OVERDUE_MS + FIRST_GAP_MS)).toBe('start.2.1')
  })

  test('nor again who was granted last and could not be told, after another node of its namespace had its turn', () => {
    const overdue = new Overdue()
    const at = (name: string, nodeName: string) => ticket(name, { nodeName, createdAtMs: Number(name) })
    overdue.granted(at('1', 'x'))
    expect(overdue.first([at('1', 'x'), at('2', 'y'), at('3', 'y')], facts(), OVERDUE_MS)).toBe('start.2.1')
    overdue.granted(at('2', 'y'))
    expect(overdue.first([at('1', 'x'), at('3', 'y')], facts(), OVERDUE_MS + FIRST_GAP_MS)).toBe('start.3.1')
  })

  test('not again who was granted last and could not be told, while others wait there', () => {
    const overdue = new Overdue()
    const tickets = [ticket('1'), ticket('2')]
    overdue.granted(ticket('1'))
    expect(overdue.first(tickets, facts(), OVERDUE_MS)).toBe('start.2.1')
    const other = new Overdue()
    other.granted(ticket('1'))
    other.revoked(ticket('1'))
    expect(other.first(tickets, facts(), OVERDUE_MS)).toBe('start.1.1')
  })
})
