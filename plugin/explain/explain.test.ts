import { describe, expect, test } from 'vitest'
import { parseClusterConfig } from '../../core/cluster-config.ts'
import type { Container, ContainerStatus } from '../../core/pod.ts'
import type { State } from '../../core/state-api.ts'
import type { ScopeState, WaitingCause, WaitingGate } from '../../core/state-rows.ts'
import { goodConfig } from '../../core/testing/good-config.ts'
import { absent, known } from '../cluster/facts.ts'
import { gateWord } from '../cluster/gates.ts'
import { plain } from '../output/paint.ts'
import { adviceFor } from './advice.ts'
import { explain } from './explain.ts'
import { explainText } from './explain-text.ts'
import type { ExplainedPod, PodFacts } from './facts.ts'
import { timeline } from './timeline.ts'
import { podVerdict } from './verdict.ts'

const NOW_MS = Date.parse('2026-06-01T12:10:00Z')
const GATE: Container = {
  name: 'startgate-start',
  env: [{ name: 'STARTGATE_FAIL_OPEN_AFTER', value: '60s' }],
}
const status = (
  name: string,
  state: ContainerStatus['state'],
  changes: Partial<ContainerStatus> = {},
): ContainerStatus => ({
  ...{ name, ready: false, restartCount: 0, ...(state && { state }) },
  ...changes,
})
const running = (startedAt = '2026-06-01T12:05:00Z') => ({ running: { startedAt } })

function podWith(
  changes: Partial<ExplainedPod['status']> = {},
  spec: Partial<ExplainedPod['spec']> = {},
): ExplainedPod {
  return {
    metadata: { name: 'web-1', namespace: 'shop', uid: 'u', creationTimestamp: '2026-06-01T12:00:00Z' },
    spec: { nodeName: 'worker-1', initContainers: [GATE], containers: [{ name: 'web' }], ...spec },
    status: { phase: 'Pending', ...changes },
  }
}
const factsOf = (pod: ExplainedPod, changes: Partial<PodFacts> = {}): PodFacts => ({
  nowMs: NOW_MS,
  namespace: 'shop',
  pod,
  events: known([]),
  namespaceObject: known({ metadata: { name: 'shop', labels: { 'startgate.dev/injection': 'enabled' } } }),
  config: known(parseClusterConfig(JSON.stringify(goodConfig()))),
  state: { kind: 'unknown', problem: 'no leader' },
  ...changes,
})

const EMPTY_LIST = { total: 0, items: [] }
const stateWith = (changes: Partial<State> = {}): State => ({
  apiVersion: 'state.startgate.dev/v1',
  kind: 'State',
  atMs: NOW_MS,
  service: { version: '0.1.0', leader: { pod: 'l', address: 'a' }, term: 1, sinceMs: 0 },
  totals: { pull: { gates: 0, slots: 0 }, start: { gates: 0, slots: 0 } },
  scopes: EMPTY_LIST,
  waiting: EMPTY_LIST,
  nodes: EMPTY_LIST,
  pods: EMPTY_LIST,
  recent: { grants: EMPTY_LIST, releases: EMPTY_LIST, timeouts: EMPTY_LIST, failOpens: EMPTY_LIST },
  ...changes,
})
const gate = (changes: Partial<WaitingGate> = {}): WaitingGate => ({
  ...{ id: 'start.u.1', resource: 'start', namespace: 'shop', pod: 'web-1', podUid: 'u', gate: 'startgate-start' },
  ...{ containers: ['web'], slots: 1, node: 'worker-1', place: 3, of: 4, cause: 'full', sinceMs: NOW_MS - 60_000 },
  ...{ reason: 'start: node worker-1 has 2 of 2 slots in use; 3rd in line', scope: 'node/worker-1' },
  ...changes,
})
const scope = (changes: Partial<ScopeState> = {}): ScopeState => ({
  ...{ id: 'start:node/worker-1', resource: 'start', scope: 'node/worker-1', kind: 'node', name: 'worker-1' },
  ...{ held: 2, limit: 2, debt: 0, waiting: 4, gates: 4, frozen: false },
  ...changes,
})

describe('what is said first', () => {
  const imageTrouble = { waiting: { reason: 'ImagePullBackOff', message: 'pull access denied' } }
  const image = 'r.test/web:1'
  const PULLS_ITS_OWN = podWith(
    { initContainerStatuses: [status('startgate-image-1', imageTrouble)] },
    {
      initContainers: [GATE, { name: 'startgate-image-1', image }, { name: 'migrate', image }],
      containers: [
        { name: 'web', image },
        { name: 'log', image: 'r.test/log:1' },
      ],
    },
  )
  const noGates = { initContainers: [] }
  const cases: Record<string, { facts: PodFacts; want: [kind: string, sentence: RegExp] }> = {
    'it waits': { facts: factsOf(podWith({ initContainerStatuses: [status('startgate-start', running())] })), want: ['waits', /^it waits in startgate-start$/] },
    'the leader does not know it': {
      facts: factsOf(podWith({ initContainerStatuses: [status('startgate-start', running())] }), { state: { kind: 'known', state: stateWith(), ahead: [] } }),
      want: ['waits', /the leader does not show it in any line at the moment/],
    },
    'our image is not to be had': { facts: factsOf(podWith({ initContainerStatuses: [status('startgate-pull', imageTrouble)] })), want: ['image', /startgate-pull: ImagePullBackOff: pull access denied/] },
    "the image of its own that an image step pulls": { facts: factsOf(PULLS_ITS_OWN), want: ['image', /^the kubelet cannot get the pod's own image r\.test\/web:1, of migrate, web \(pulled by startgate-image-1\): ImagePullBackOff: pull access denied$/] },
    'the image of its own is not ours to tell': { facts: factsOf(podWith({ initContainerStatuses: [status('migrate', imageTrouble)] })), want: ['between', /no gate runs/] },
    'no node yet': { facts: factsOf(podWith({ conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes' }] }, { nodeName: undefined as never })), want: ['not-scheduled', /not on a node yet/] },
    'it runs': { facts: factsOf(podWith({ phase: 'Running', containerStatuses: [status('web', running(), { ready: true, started: true })] })), want: ['started', /has started/] },
    'it has ended': { facts: factsOf(podWith({ phase: 'Succeeded' })), want: ['ended', /Succeeded/] },
    'the namespace has not opted in': { facts: factsOf(podWith({}, noGates), { namespaceObject: known({ metadata: { name: 'shop' } }) }), want: ['not-gated', /NamespaceNotOptedIn: the namespace does not have the label/] },
    'it has opted out': { facts: factsOf({ ...podWith({}, noGates), metadata: { name: 'w', labels: { 'startgate.dev/inject': 'false' } } }), want: ['not-gated', /OptedOut/] },
    'the webhook was not there': { facts: factsOf(podWith({}, noGates)), want: ['not-gated', /has no gates, though it would be gated today/] },
    'nothing else can be read': { facts: factsOf(podWith({}, noGates), { namespaceObject: absent, config: absent }), want: ['not-gated', /has no gates/] },
  } // biome-ignore format: a table
  test.each(Object.entries(cases))('%s', (_, { facts, want: [kind, sentence] }) => {
    const verdict = podVerdict(facts)
    expect(verdict.kind).toBe(kind)
    expect(verdict.sentence).toMatch(sentence)
  })
  test.each([
    ['startgate-pull', /image\.repository/],
    ['startgate-image-1', /imagePullSecrets of the pod and of its service account/],
  ])("whose image it is tells where to look: %s's", (name, advice) => {
    const { status: pod, spec } = PULLS_ITS_OWN
    const initContainerStatuses = (pod?.initContainerStatuses ?? []).map(of => ({ ...of, name }))
    expect(podVerdict(factsOf(podWith({ initContainerStatuses }, spec))).advice).toEqual([
      expect.stringMatching(advice),
    ])
  })
})

test('the timeline has what happened, in order, with the gates’ own words', () => {
  const granted = JSON.stringify({ verdict: 'granted', gate: 'startgate-pull', waitedMs: 65_000 })
  const lost = JSON.stringify({
    verdict: 'failed-open',
    gate: 'startgate-start',
    waitedMs: 90_000,
    reason: 'no answer',
  })
  const ended = (startedAt: string, finishedAt: string, message: string, exitCode = 0) => ({
    terminated: { exitCode, startedAt, finishedAt, message, ...(exitCode !== 0 && { reason: 'Error' }) },
  })
  const pod = podWith({
    conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-06-01T12:00:01Z' }],
    initContainerStatuses: [
      status('startgate-pull', ended('2026-06-01T12:00:02Z', '2026-06-01T12:01:07Z', granted)),
      status('migrate', ended('2026-06-01T12:01:08Z', '2026-06-01T12:01:09Z', granted, 3)),
      status('startgate-start', ended('2026-06-01T12:02:00Z', '2026-06-01T12:03:30Z', lost)),
    ],
    containerStatuses: [status('web', running('2026-06-01T12:03:31Z'), { restartCount: 1 })],
  })
  const event = {
    reason: 'StartgateWaiting',
    message: 'place 3 of 4',
    type: 'Normal',
    count: 2,
    lastTimestamp: '2026-06-01T12:02:30Z',
  }
  expect(
    timeline(factsOf(pod, { events: known([event]) })).map(({ text, isBad }) => `${isBad ? '! ' : ''}${text}`),
  ).toEqual([
    'created',
    'scheduled to worker-1',
    'startgate-pull started',
    'startgate-pull was granted after 1 min 5 s',
    'migrate started',
    '! migrate ended with 3 (Error)',
    'startgate-start started',
    'StartgateWaiting: place 3 of 4 (2 times)',
    'startgate-start failed open after 1 min 30 s: no answer',
    'web started (restart 1)',
  ])
})

test('where the leader cannot be asked, the conditions that it wrote are told, unless they are past', () => {
  const conditions = [
    { type: 'startgate.dev/Waiting', status: 'True', reason: 'Full', message: 'place 3 of 4' },
    { type: 'startgate.dev/Started', status: 'True', reason: 'AllReady', message: 'all containers are ready' },
    { type: 'Ready', status: 'False' },
  ]
  const pod = podWith({ conditions, initContainerStatuses: [status('startgate-start', running())] })
  const text = explainText(explain(factsOf(pod)), { paint: plain, nowMs: NOW_MS })
  expect(text).toContain('\n  condition Waiting is True: Full: place 3 of 4\n\nTIMELINE')
  expect(text).not.toContain('AllReady')
})

test.each([
  undefined,
  '',
  'x',
  '[]',
  'null',
  '{"verdict":"other"}',
  `{"verdict":"granted","x":"${'a'.repeat(5_000)}"}`,
])('no word of a gate: %s', text => expect(gateWord(text)).toBeUndefined())

const causes: Record<WaitingCause, RegExp> = {
  full: /^raise the limit: kubectl annotate --overwrite node worker-1/,
  behind: /^wait: /,
  oversize: /needs 1 slots, more than the limit/,
  frozen: /^take the freeze away: /,
  order: /comes after/,
  'node-lost': /describe node worker-1/,
  'pod-unknown': /wait some seconds/,
  'set-aside': /StartgateSetAside/,
}
test.each(Object.entries(causes))('advice for %s', (cause, want) => {
  expect(adviceFor(gate({ cause: cause as WaitingCause }), scope())[0]).toMatch(want)
})

test('advice names where the limit is written, and starts without a slot', () => {
  const source = 'startgate.dev/max-starting: 2 on namespace shop'
  expect(adviceFor(gate(), scope({ source, debt: 1 }))).toEqual([
    '1 of the slots are taken by starts without a slot: look for restarting containers there',
    `raise the limit: ${source}`,
    'to let all pods of the namespace go at once: kubectl annotate --overwrite namespace shop startgate.dev/mode=off',
  ])
})

test('a ramp is waited for, since its limit grows by itself', () => {
  const source = 'startgate.dev/pull-ramp: on on namespace shop'
  const image = scope({ kind: 'image', name: 'registry/app:1', source })
  expect(adviceFor(gate(), image)[0]).toBe(
    `wait for the nodes that pull it, which let twice as many; or end the ramp: ${source}`,
  )
})

test.each([
  "limits.node.maxStarting: auto in the chart's values",
  'startgate.dev/max-starting-per-node: auto on node worker-1',
])('an automatic limit grows by itself: %s', source => {
  expect(adviceFor(gate(), scope({ source }))[0]).toBe(
    `wait: the node raises its limit while it has idle capacity; or write a number: ${source}`,
  )
})

test('a freeze is taken away as it was made, and a limit of 0 where it is written', () => {
  const frozen = gate({ cause: 'frozen' })
  const by = 'startgate.dev/frozen: alice 2026-06-01T12:00:00Z on namespace'
  const zero = 'startgate.dev/max-starting: 0 on namespace shop'
  expect([
    adviceFor(frozen, scope({ kind: 'namespace', name: 'shop', source: `${by} shop` })),
    adviceFor(frozen, scope({ kind: 'cluster', source: `${by} startgate-system` })),
    adviceFor(frozen, scope({ kind: 'namespace', name: 'shop', source: zero })),
  ]).toEqual([
    ['take the freeze away: kubectl startgate resume -n shop'],
    ['take the freeze away: kubectl startgate resume --cluster'],
    [`take the freeze away: ${zero}`],
  ])
})

test('the text tells the wait, the order and the timeline, and no control characters of others', () => {
  const pod = podWith({ initContainerStatuses: [status('startgate-start', running())] })
  const others = [1, 2, 3].map(place => gate({ id: `${place}`, pod: `p${place}`, place }))
  const elsewhere = gate({ id: '9', pod: 'p9', place: 1, scope: 'node/worker-2' })
  const sequence = {
    ...{ id: 'x', namespace: 'shop', pod: 'web-1', podUid: 'u', node: 'worker-1', agent: true },
    containers: [
      {
        name: 'db',
        phase: 'starting' as const,
        gate: 'g',
        waitsFor: [],
        blocks: ['web'],
        restartCount: 0,
        status: 'load\u001b[2Jing',
      },
      {
        name: 'web',
        phase: 'blocked' as const,
        gate: 'h',
        waitsFor: [{ container: 'db', condition: 'ready' as const }],
        blocks: [],
        restartCount: 2,
      },
    ],
  }
  const state = stateWith({
    waiting: { total: 1, items: [gate({ estimateMs: 90_000 })] },
    scopes: { total: 1, items: [scope()] },
    pods: { total: 1, items: [sequence] },
  })
  const facts = factsOf(pod, { state: { kind: 'known', state, ahead: [...others, elsewhere] } })
  expect(
    explainText(explain(facts), { paint: plain, nowMs: NOW_MS }),
  ).toBe(`Pod shop/web-1 on node worker-1: it waits in startgate-start

startgate-start waits to start web, for 1 min
  why:      start: node worker-1 has 2 of 2 slots in use; 3rd in line
  place:    3 of 4 in the line of node/worker-1
  estimate: ~1 min 30 s
  limit:    2, 2 held
  ahead:    shop/p1, shop/p2
  → raise the limit: kubectl annotate --overwrite node worker-1 startgate.dev/max-starting-per-node=N, or the chart value limits.node
  → to let all pods of the namespace go at once: kubectl annotate --overwrite namespace shop startgate.dev/mode=off

CONTAINERS
NAME   PHASE      WAITS FOR   BLOCKS   SAYS
db     starting               web      load?[2Jing
web    blocked    db ready             2 restarts

TIMELINE
  10 min ago       created
  5 min ago        startgate-start started
`)
})
