import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClusterEvent } from './cluster-events.ts'
import { nodeEvent, PROBED, podEvent } from './made-events.ts'
import { foldStarting, peakBetween, type StartEnd } from './starting-fold.ts'

interface Case {
  events: ClusterEvent[]
  wantPeak: number
  /** How each span ended, in the order of their starts; `open` for one that did not. */
  wantEnds: (StartEnd | 'open')[]
  wantRestarts?: number
}

const SIMPLE = { name: 'app' }
const STARTUP = { name: 'app', startupProbe: {}, readinessProbe: {} }
const TWO = [PROBED, { name: 'side', readinessProbe: {} }]

const cases: Record<string, Case> = {
  'two pods that overlap count two': {
    events: [podEvent(1, { shown: [{ since: 1 }] }), podEvent(2, { pod: 'b', shown: [{ since: 2 }] })],
    wantPeak: 2,
    wantEnds: ['open', 'open'],
  },
  'one that is ready before the next starts is not counted with it': {
    events: [
      podEvent(1, { shown: [{ since: 1 }] }),
      podEvent(2, { shown: [{ since: 1, ready: true }] }),
      podEvent(3, { pod: 'b', shown: [{ since: 2 }] }),
    ],
    wantPeak: 1,
    wantEnds: ['ready', 'open'],
  },
  'the order is resourceVersion, not the order of arrival': {
    events: [
      podEvent(3, { pod: 'b', shown: [{ since: 2 }] }),
      podEvent(1, { shown: [{ since: 1 }] }),
      podEvent(2, { shown: [{ since: 1, ready: true }] }),
    ],
    wantPeak: 1,
    wantEnds: ['ready', 'open'],
  },
  'a ready that flips back does not start again': {
    events: [
      podEvent(1, { shown: [{ since: 1 }] }),
      podEvent(2, { shown: [{ since: 1, ready: true }] }),
      podEvent(3, { shown: [{ since: 1, ready: false }] }),
      podEvent(4, { pod: 'b', shown: [{ since: 4 }] }),
    ],
    wantPeak: 1,
    wantEnds: ['ready', 'open'],
  },
  'a restarted container is starting again under its new ID, and marked': {
    events: [
      podEvent(1, { shown: [{ since: 1, id: 'one' }] }),
      podEvent(2, { shown: [{ since: 1, id: 'one', ready: true }] }),
      podEvent(3, { shown: [{ since: 3, id: 'two', restarts: 1 }] }),
    ],
    wantPeak: 1,
    wantEnds: ['ready', 'open'],
    wantRestarts: 1,
  },
  'a re-made sandbox is a restart though restartCount says 0': {
    events: [
      podEvent(1, { shown: [{ since: 1, id: 'one' }] }),
      podEvent(2, { shown: [{ since: 3, id: 'two', restarts: 0 }] }),
    ],
    wantPeak: 1,
    wantEnds: ['restarted', 'open'],
    wantRestarts: 1,
  },
  'a restart whose first run nobody saw is marked': {
    events: [podEvent(1, { shown: [{ since: 1, restarts: 1 }] })],
    wantPeak: 1,
    wantEnds: ['open'],
    wantRestarts: 1,
  },
  'a pod being deleted is not starting': {
    events: [
      podEvent(1, { shown: [{ since: 1 }] }),
      podEvent(2, { deleting: true, shown: [{ since: 1 }] }),
      podEvent(3, { pod: 'b', shown: [{ since: 3 }] }),
    ],
    wantPeak: 1,
    wantEnds: ['deleting', 'open'],
  },
  'a pod that vanished is not starting': {
    events: [
      podEvent(1, { shown: [{ since: 1 }] }),
      podEvent(2, { shown: [{ since: 1 }] }, 'DELETED'),
      podEvent(3, { pod: 'b', shown: [{ since: 3 }] }),
    ],
    wantPeak: 1,
    wantEnds: ['gone', 'open'],
  },
  'two containers in a pod count two': {
    events: [podEvent(1, { spec: TWO, shown: [{ since: 1 }, { name: 'side', since: 1 }] })],
    wantPeak: 2,
    wantEnds: ['open', 'open'],
  },
  'of two containers the ready one leaves, the other stays': {
    events: [
      podEvent(1, { spec: TWO, shown: [{ since: 1 }] }),
      podEvent(2, {
        spec: TWO,
        shown: [
          { since: 1, ready: true },
          { name: 'side', since: 2 },
        ],
      }),
    ],
    wantPeak: 1,
    wantEnds: ['ready', 'open'],
  },
  'with a startup probe, ready alone does not end it': {
    events: [podEvent(1, { spec: [STARTUP], shown: [{ since: 1, ready: true, started: false }] })],
    wantPeak: 1,
    wantEnds: ['open'],
  },
  'with a startup probe, started ends it before ready': {
    events: [
      podEvent(1, { spec: [STARTUP], shown: [{ since: 1, started: false }] }),
      podEvent(2, { spec: [STARTUP], shown: [{ since: 1, started: true }] }),
    ],
    wantPeak: 1,
    wantEnds: ['started'],
  },
  'with only a readiness probe, started does not end it': {
    events: [podEvent(1, { shown: [{ since: 1, started: true }] })],
    wantPeak: 1,
    wantEnds: ['open'],
  },
  'simple is starting though the kubelet calls it ready at once': {
    events: [
      podEvent(1, { spec: [SIMPLE], shown: [{ since: 1, ready: true, started: true }] }),
      podEvent(5, { pod: 'b', spec: [SIMPLE], shown: [{ since: 5, ready: true }] }),
    ],
    wantPeak: 2,
    wantEnds: ['open', 'open'],
  },
  'simple has settled after five seconds, without any event': {
    events: [
      podEvent(1, { spec: [SIMPLE], shown: [{ since: 1, ready: true }] }),
      podEvent(6, { pod: 'b', spec: [SIMPLE], shown: [{ since: 6, ready: true }] }),
    ],
    wantPeak: 1,
    wantEnds: ['settled', 'open'],
  },
  'an event that reaches us late does not let the others settle before it': {
    events: [
      podEvent(1, { spec: [SIMPLE], shown: [{ since: 1 }] }),
      { ...podEvent(2, { pod: 'b', spec: [SIMPLE], shown: [{ since: 3 }] }), receivedAtMs: 60_000 },
    ],
    wantPeak: 2,
    wantEnds: ['open', 'open'],
  },
  'of two simple ones in one event, the older one is counted with those that settled in between': {
    events: [
      podEvent(1, { pod: 'y', spec: [SIMPLE], shown: [{ since: 1 }] }),
      podEvent(2, { pod: 'z', spec: [SIMPLE], shown: [{ since: 1 }] }),
      podEvent(9, {
        spec: [{ name: 'side' }, SIMPLE],
        shown: [
          { name: 'side', since: 7 },
          { name: 'app', since: 4 },
        ],
      }),
    ],
    wantPeak: 3,
    wantEnds: ['settled', 'settled', 'open', 'open'],
  },
  'one that never gets ready leaves at its start timeout': {
    events: [
      podEvent(1, { annotations: { 'startgate.dev/start-timeout': '1m30s' }, shown: [{ since: 1 }] }),
      podEvent(91, { pod: 'b', shown: [{ since: 91 }] }),
    ],
    wantPeak: 1,
    wantEnds: ['timeout', 'open'],
  },
  'a late status of one past its timeout does not count it again': {
    events: [
      podEvent(1, { annotations: { 'startgate.dev/start-timeout': '10s' }, shown: [{ since: 1 }] }),
      podEvent(20, { pod: 'b', shown: [{ since: 20 }] }),
      podEvent(21, { annotations: { 'startgate.dev/start-timeout': '10s' }, shown: [{ since: 1 }] }),
    ],
    wantPeak: 1,
    wantEnds: ['timeout', 'open'],
  },
  'a crash ends it': {
    events: [podEvent(1, { shown: [{ since: 1 }] }), podEvent(2, { shown: [{}] })],
    wantPeak: 1,
    wantEnds: ['terminated'],
  },
  'a pod on a lost node is not starting, and is again when the node is back': {
    events: [
      podEvent(1, { shown: [{ since: 1 }] }),
      nodeEvent(2, 'n1', 'Unknown'),
      podEvent(3, { pod: 'b', node: 'n2', shown: [{ since: 3 }] }),
      podEvent(4, { pod: 'b', node: 'n2', shown: [{ since: 3, ready: true }] }),
      nodeEvent(5, 'n1', 'True'),
    ],
    wantPeak: 1,
    wantEnds: ['node-lost', 'ready', 'open'],
  },
  'a container that is ready when first seen counts nowhere, and its start is told once': {
    events: [
      podEvent(1, { shown: [{ since: 1, ready: true }] }, 'ADDED'),
      podEvent(2, { shown: [{ since: 1, ready: false }] }),
    ],
    wantPeak: 0,
    wantEnds: ['ready'],
  },
}

describe('foldStarting', () => {
  test.each(Object.entries(cases))('%s', (_, { events, wantPeak, wantEnds, wantRestarts = 0 }) => {
    const report = foldStarting(events)
    expect(report.peak.count).toBe(wantPeak)
    expect(report.spans.map(s => s.endedBy ?? 'open')).toEqual(wantEnds)
    expect(report.spans.filter(s => s.restart)).toHaveLength(wantRestarts)
  })

  test('tells the peak of each node and who was there', () => {
    const report = foldStarting([
      podEvent(1, { shown: [{ since: 1 }] }),
      podEvent(2, { pod: 'b', node: 'n2', shown: [{ since: 2 }] }),
      podEvent(3, { pod: 'c', node: 'n2', shown: [{ since: 3 }] }),
    ])
    expect(report.byNode.n1?.count).toBe(1)
    expect(report.byNode.n2).toEqual({
      count: 2,
      resourceVersion: 3,
      atMs: 3000,
      containers: ['test/b/app', 'test/c/app'],
    })
    expect(report.byNamespaceAndNode['test/n2']?.count).toBe(2)
    expect(report.timeline.map(t => t.count)).toEqual([1, 2, 3])
  })

  test('counts only the pods it is asked to', () => {
    const events = [podEvent(1, { shown: [{ since: 1 }] }), podEvent(2, { pod: 'b', shown: [{ since: 2 }] })]
    expect(foldStarting(events, { counts: pod => pod.metadata.name === 'b' }).peak.count).toBe(1)
  })
})

/** One step of a made-up life of a pod; times pass between steps. */
interface Step {
  pod: number
  what: 'run' | 'ready' | 'unready' | 'crash' | 'delete' | 'gone'
  passSeconds: number
}

const steps = fc.array(
  fc.record<Step>({
    pod: fc.nat(4),
    what: fc.constantFrom('run', 'ready', 'unready', 'crash', 'delete', 'gone'),
    passSeconds: fc.nat(4),
  }),
  { maxLength: 60 },
)

/** What the brute count keeps of a pod: when its run began and whether it ever was past starting. */
interface Life {
  run: number
  sinceS: number
  past: boolean
  state: Step['what']
}

const RUNS: Step['what'][] = ['run', 'ready', 'unready']
/** Pods 3 and 4 have no probe. */
const probed = (pod: number) => pod < 3

/** The pod's life after the step; undefined when it cannot take this step. */
function nextLife(was: Life, step: Step, nowS: number): Life | undefined {
  const runs = RUNS.includes(was.state)
  if (was.state === 'gone' || (was.state === 'delete' && step.what !== 'gone')) return undefined
  if (step.what === 'run') return runs ? was : { run: was.run + 1, sinceS: nowS, past: false, state: 'run' }
  if (RUNS.includes(step.what) && !runs) return undefined
  return { ...was, past: was.past || step.what === 'ready', state: step.what }
}

function isStarting(pod: number, life: Life, nowS: number): boolean {
  if (!RUNS.includes(life.state)) return false
  return probed(pod) ? !life.past && nowS < life.sinceS + 120 : nowS < life.sinceS + 5
}

function eventOf(version: number, pod: number, { run, sinceS, state }: Life): ClusterEvent {
  const shown = {
    id: `p${pod}-${run}`,
    ready: state === 'ready',
    ...(RUNS.includes(state) || state === 'delete' ? { since: sinceS } : {}),
  }
  const moment = { pod: `p${pod}`, deleting: state === 'delete', spec: [probed(pod) ? PROBED : SIMPLE], shown: [shown] }
  return podEvent(version, moment, state === 'gone' ? 'DELETED' : 'MODIFIED')
}

/** The events of these lives, and their peak, counted afresh at each start. */
function live(all: Step[]): { events: ClusterEvent[]; want: number } {
  const events: ClusterEvent[] = []
  const lives = new Map<number, Life>()
  let nowS = 100
  let want = 0
  for (const [i, step] of all.entries()) {
    nowS += step.passSeconds
    const was = lives.get(step.pod) ?? { run: 0, sinceS: nowS, past: false, state: 'crash' }
    const is = nextLife(was, step, nowS)
    if (!is) continue
    lives.set(step.pod, is)
    events.push(eventOf(i + 1, step.pod, is))
    if (is.run > was.run) want = Math.max(want, [...lives].filter(([pod, life]) => isStarting(pod, life, nowS)).length)
  }
  return { events, want }
}

test('for any lives of pods, the peak is that of a count made afresh at every start', () => {
  fc.assert(
    fc.property(steps, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (all, shuffle) => {
      const { events, want } = live(all)
      const mixed = events
        .map(event => ({ event, at: shuffle.next().value ?? 0 }))
        .sort((a, b) => a.at - b.at)
        .map(e => e.event)
      expect(foldStarting(mixed).peak.count).toBe(want)
    }),
    { numRuns: 500 },
  )
})

test('after a gap, when several events have one version, ends go before starts', () => {
  const events = [
    podEvent(1, { pod: 'a', shown: [{ since: 1 }] }),
    podEvent(9, { pod: 'b', shown: [{ since: 4 }] }),
    podEvent(9, { pod: 'a', shown: [{ since: 1, ready: true }] }),
  ]
  expect(foldStarting(events).peak.count).toBe(1)
})

test('the peak of a stretch counts those who were starting when it began', () => {
  const events = [
    podEvent(1, { pod: 'a', shown: [{ since: 1 }] }),
    podEvent(2, { pod: 'b', shown: [{ since: 2 }] }),
    podEvent(4, { pod: 'a', shown: [{ since: 1, ready: true }] }),
    podEvent(6, { pod: 'c', shown: [{ since: 6 }] }),
    podEvent(8, { pod: 'd', shown: [{ since: 8 }] }),
  ]
  const report = foldStarting(events)
  expect([peakBetween(report, 3_000, 5_000), peakBetween(report, 4_500, 7_000)]).toEqual([2, 2])
  expect(peakBetween(report, 4_500, 5_000)).toBe(1)
})
