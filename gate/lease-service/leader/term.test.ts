import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AgentReport } from '../../../core/lease-api.ts'
import type { Pod } from '../../../core/pod.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { AgentStream, Stream } from '../model/stream.ts'
import { StartedIndex } from '../started/started-index.ts'
import { grantFor } from '../store/lease-store.contract.ts'
import { madeFigures } from '../testing/made-figures.ts'
import { madeNamespace, madeNode, madePod } from '../testing/made-pods.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { advance } from './term.ts'
import type { TermEffect, TermEvent } from './term-events.ts'
import { newTerm } from './term-state.ts'

/** A pod of which hardly anything is there: no type says so, but an API server of tomorrow may. */
const STUMP = { metadata: { uid: 'stump' }, spec: {} } as unknown as Pod
const PODS = [madePod('a'), madePod('b'), sequencedPod(), STUMP]
const sendsNothing = () => expect.fail('a term sends nothing itself')
const HANDLE = { isOpen: () => true, send: sendsNothing, end: sendsNothing }
const STREAMS: Stream[] = ['1', '2', '3'].map(nonce => ({ nonce, ...HANDLE }))
const AGENTS: AgentStream[] = [{ ...HANDLE }, { ...HANDLE }]

const AUTO_NODE = {
  ...madeNode(),
  metadata: { name: 'worker-1', annotations: { 'startgate.dev/max-starting-per-node': 'auto' } },
}

const pod = fc.constantFrom(...PODS)
const stream = fc.constantFrom(...STREAMS)
const attempt = fc.integer({ min: 1, max: 2 })
const uid = fc.constantFrom('a', 'b', 'u1', 'stump', 'nobody')
const grant = uid.map(podUid => grantFor(podUid))
const fold = { settings: {}, problems: [] }
const agent = fc.constantFrom(...AGENTS)
const reports = fc.constantFrom<AgentReport[]>([], [{ container: 'db', state: 'ready' }])

const event: fc.Arbitrary<TermEvent> = fc.oneof(
  fc.record({ kind: fc.constantFrom('pod-shown' as const, 'pod-unseen' as const, 'pod-found' as const), pod }),
  fc.oneof(
    fc.record({ kind: fc.constant('pod-read' as const), uid, pod }),
    fc.record({ kind: fc.constant('pod-read' as const), uid }),
  ),
  fc.constantFrom<TermEvent>(
    ...[{ kind: 'begin' as const, reservationMs: 2_000 }, { kind: 'step' as const }, { kind: 'look-again' as const }],
    ...[
      { kind: 'tick' as const, storeFailingForMs: 0 },
      { kind: 'tick' as const, storeFailingForMs: 61_000 },
    ],
    ...[
      { kind: 'node-shown' as const, node: madeNode(), fold },
      { kind: 'node-figures' as const, nodeName: 'worker-1', figures: madeFigures({ busy: 0.1 }) },
      { kind: 'node-shown' as const, node: AUTO_NODE, fold },
      { kind: 'node-gone' as const, name: 'worker-1' },
    ],
    { kind: 'namespace-shown', namespace: madeNamespace({ 'startgate.dev/max-starting': '1' }), fold },
    { kind: 'namespace-gone', name: 'shop' },
    { kind: 'workload-changed' },
  ),
  fc.record({
    kind: fc.constant('gate-asks' as const),
    pod,
    gate: fc.constant('startgate-start' as const),
    attempt,
    stream,
  }),
  fc.record({ kind: fc.constant('gate-hung-up' as const), stream }),
  fc.record({
    kind: fc.constant('agent-asks' as const),
    pod,
    podUid: uid,
    attempt,
    reports,
    stream: agent,
  }),
  fc.record({ kind: fc.constant('agent-reports' as const), pod, podUid: uid, attempt, reports }),
  fc.record({ kind: fc.constant('agent-hung-up' as const), podUid: uid, stream: agent }),
  fc.record({ kind: fc.constant('pressure-told' as const), pod, load: fc.constant({ pressure: { cpu: 90 } }) }),
  fc.record({
    kind: fc.constant('node-figures' as const),
    nodeName: fc.constantFrom('worker-1', 'nowhere'),
    figures: fc.constantFrom(madeFigures({ pressure: { cpu: 90 } }), madeFigures()),
  }),
  fc.record({ kind: fc.constantFrom('grant-listed' as const, 'grant-stored' as const), grant }),
  grant.map(g => ({
    kind: 'grant-not-stored' as const,
    grant: g,
    failure: { kind: 'unavailable' as const, reason: 'no' },
  })),
  uid.map(u => ({ kind: 'leases-deleted' as const, keys: [grantFor(u).key] })),
)

function run(events: TermEvent[]): TermEffect[][] {
  const inputs = {
    ...{ term: 3, address: '192.0.2.1:8443', settings: { ...DEFAULT_SETTINGS, node: { maxStarting: 1 } } },
    ...{ started: new StartedIndex(), findWorkload: () => 'Absent' as const, random: () => 0.5 },
  }
  const at = (i: number) => ({ monotonicMs: i * 700, wallMs: 1_700_000_000_000 + i * 700 })
  const state = newTerm(inputs, at(0))
  return events.map((each, i) => advance(state, each, at(i)))
}

test('whatever happens in whatever order, a term throws nothing, sends nothing itself, and refuses requests only', () => {
  const isRequest = /^(gate|agent)-|^pressure-told/
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), events => {
      for (const [i, effects] of run(events).entries())
        if (effects.some(({ kind }) => kind === 'refuse')) expect(events[i]?.kind).toMatch(isRequest)
    }),
    { numRuns: 2_000 },
  )
})

test('nothing fails but what concerns a pod that cannot be read', () => {
  const isOfStump = (each: TermEvent) => 'pod' in each && each.pod === STUMP
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), events => {
      const effects = run(events.filter(each => !isOfStump(each))).flat()
      const news = effects.flatMap(each => (each.kind === 'publish' ? each.news.kind : []))
      expect(news.filter(kind => kind === 'event-failed' || kind === 'decision-failed')).toEqual([])
    }),
    { numRuns: 1_000 },
  )
})

test('a grant that came to be stored when its slots were gone is not told, and its Lease goes', () => {
  const [a] = PODS
  const grantOfA = grantFor('a')
  const effects = run([
    { kind: 'pod-shown', pod: a as Pod },
    { kind: 'grant-listed', grant: grantOfA },
    { kind: 'begin', reservationMs: 0 },
    { kind: 'gate-asks', pod: a as Pod, gate: 'startgate-start', attempt: 1, stream: STREAMS[0] as Stream },
    { kind: 'leases-deleted', keys: [grantOfA.key] },
    { kind: 'grant-stored', grant: grantOfA },
  ])
  expect(effects.at(-1)?.map(({ kind }) => kind)).toEqual(['delete', 'end'])
  expect(effects.at(-2)).toContainEqual({ kind: 'delete', key: grantOfA.key })
})

test('the same events have the same effects', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), events => {
      expect(run(events)).toEqual(run(events))
    }),
    { numRuns: 300 },
  )
})

test('a term that has ended does nothing any more', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), fc.array(event, { maxLength: 10 }), (before, after) => {
      const end: TermEvent = { kind: 'end', message: { kind: 'retry', afterMs: 0, reason: 'over' } }
      const afterwards = run([...before, end, ...after])
        .slice(before.length + 1)
        .flat()
      // Whoever asks is told so, and keeps no silent stream.
      expect(afterwards.filter(({ kind }) => kind !== 'refuse')).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('nothing is granted before the term has been shown all there is', () => {
  const [a] = PODS
  const asks: TermEvent = {
    kind: 'gate-asks',
    pod: a as Pod,
    gate: 'startgate-start',
    attempt: 1,
    stream: STREAMS[0] as Stream,
  }
  const kinds = (events: TermEvent[]): string[] => (run(events).at(-1) ?? []).map(({ kind }) => kind)
  expect(kinds([{ kind: 'pod-shown', pod: a as Pod }, asks])).not.toContain('step-soon')
  expect(kinds([{ kind: 'begin', reservationMs: 0 }, asks])).toContain('step-soon')
})

test('a tick leads to a decision only while a gate waits; a slot that is held has a wake-up of its own', () => {
  const [a] = PODS as [Pod]
  const stream = STREAMS[0] as Stream
  const asks: TermEvent = { kind: 'gate-asks', pod: a, gate: 'startgate-start', attempt: 1, stream }
  const tick: TermEvent = { kind: 'tick', storeFailingForMs: 0 }
  const shown: TermEvent[] = [
    { kind: 'node-shown', node: madeNode(), fold },
    { kind: 'pod-shown', pod: a },
    { kind: 'begin', reservationMs: 0 },
  ]
  const kinds = (...events: TermEvent[]): string[] => (run([...shown, ...events]).at(-1) ?? []).map(({ kind }) => kind)
  expect(kinds(tick)).not.toContain('step-soon')
  expect(kinds(asks, tick)).toContain('step-soon')
  const isHeld: TermEvent[] = [asks, { kind: 'step' }, { kind: 'gate-hung-up', stream }, { kind: 'step' }]
  expect(kinds(...isHeld, tick)).not.toContain('step-soon')
  const wake = run([...shown, ...isHeld]).at(-1)
  expect(wake?.find(({ kind }) => kind === 'step-in')).toEqual({ kind: 'step-in', ms: 30_000 })
})

test('that nothing can be granted is told once, and so is its end', () => {
  const ticks = [0, 61_000, 62_000, 0].map(storeFailingForMs => ({ kind: 'tick' as const, storeFailingForMs }))
  const news = run([{ kind: 'begin', reservationMs: 0 }, ...ticks]).flatMap(effects =>
    effects.flatMap(effect => (effect.kind === 'publish' && effect.news.kind.includes('mute') ? effect.news : [])),
  )
  expect(news).toEqual([{ kind: 'mute', forMs: 61_000 }, { kind: 'unmuted' }])
})
