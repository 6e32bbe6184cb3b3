import { expect, test } from 'vitest'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import { imageKeyOf } from '../pods/image-key.ts'
import { sharedText } from '../pods/shared-text.ts'
import { madePod } from '../testing/made-pods.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { type StartedFacts, StartedPod, StartedPods } from './started-pod.ts'

const NOW_MS = Date.parse('2026-01-01T12:00:00Z')
const OLD_MS = 660_000
const facts: StartedFacts = { wallMs: NOW_MS, oldAfterMs: OLD_MS }

function gateStatus(end: object = {}): ContainerStatus {
  const terminated = { exitCode: 0, containerID: 'containerd://gate', ...end }
  return { name: 'startgate-start', ready: true, restartCount: 0, state: { terminated } }
}

/** A pod with one probed container of image `web:1`, as its kubelet shows it. */
function podWith(app: Partial<ContainerStatus> = {}, more: { pod?: Partial<Pod>; gate?: ContainerStatus } = {}): Pod {
  const running = { running: { startedAt: '2026-01-01T11:59:50Z' } }
  const status = {
    name: 'app',
    ready: true,
    restartCount: 0,
    imageID: 'x',
    containerID: 'containerd://1234567890abcdef',
  }
  const pod = madePod('web', {
    phase: 'Running',
    initContainerStatuses: [more.gate ?? gateStatus()],
    containerStatuses: [{ ...status, state: running, ...app }],
  })
  const containers = [{ name: 'app', image: 'web:1', readinessProbe: {} }]
  return { ...pod, spec: { ...pod.spec, containers }, ...more.pod }
}

const shrunk = (pod: Pod, more: Partial<StartedFacts> = {}) =>
  new StartedPods(sharedText()).shrunk(pod, { ...facts, ...more })
const isStarted = (pod: Pod, more: Partial<StartedFacts> = {}) => shrunk(pod, more) instanceof StartedPod

const waiting = { state: { waiting: { reason: 'CrashLoopBackOff' } } }
const oldRun = { state: { running: { startedAt: '2026-01-01T11:00:00Z' } } }
const failOpen = (finishedAt: string) =>
  gateStatus({ finishedAt, message: JSON.stringify({ verdict: 'failed-open', waitedMs: 1 }) })
const WAITS = { type: 'startgate.dev/Waiting', status: 'True' }
const cases: Record<string, { pod: Pod; want: boolean }> = {
  'ready: past starting': { pod: podWith(), want: true },
  'not ready yet: starting': { pod: podWith({ ready: false }), want: false },
  'not ready for longer than any start may take: past starting': {
    pod: podWith({ ready: false, ...oldRun }),
    want: true,
  },
  'in back-off: it will start again': { pod: podWith({ ...waiting, ready: false }), want: false },
  'its gate runs, after a reboot: it waits': {
    pod: podWith({}, { gate: { ...gateStatus(), state: { running: {} } } }),
    want: false,
  },
  'let go without a slot an hour ago: of that has to be told': {
    pod: podWith({}, { gate: failOpen('2026-01-01T11:30:00Z') }),
    want: false,
  },
  'let go without a slot long ago': { pod: podWith({}, { gate: failOpen('2026-01-01T10:00:00Z') }), want: true },
  'being deleted: what it holds ends soon': {
    pod: podWith({}, { pod: { metadata: { uid: 'web', deletionTimestamp: '2026-01-01T12:00:00Z' } } }),
    want: false,
  },
  'ready, and shown to wait: that has to be taken back': {
    pod: podWith({}, { pod: { status: { ...podWith().status, conditions: [WAITS] } } }),
    want: false,
  },
  'finished: nothing starts any more': { pod: madePod('web', { phase: 'Succeeded' }), want: true },
  'waiting in its gate': { pod: madePod('web'), want: false },
  'sequenced, without the word of its agent that all have started': {
    pod: { ...sequencedPod(), status: { phase: 'Running' } },
    want: false,
  },
}
test.each(Object.entries(cases))('a pod that is %s', (_, { pod, want }) => {
  expect(isStarted(pod)).toBe(want)
})

test('a run that was past starting stays so when its probe fails later; another run does not', () => {
  const before = shrunk(podWith())
  expect(isStarted(podWith({ ready: false }), { before })).toBe(true)
  expect(isStarted(podWith({ ready: false, containerID: 'containerd://fedcba0987654321' }), { before })).toBe(false)
})

test('what is kept: who it is, its node, workload and images; lists that many have in common are one', () => {
  const pods = new StartedPods(sharedText())
  const [a, b] = [podWith(), podWith()].map(pod => pods.shrunk(pod, facts) as StartedPod)
  expect(a).toMatchObject({
    metadata: { namespace: 'shop', name: 'web', uid: 'web' },
    spec: { nodeName: 'worker-1', containers: [] },
    workload: 'pod/web',
    images: [imageKeyOf('web:1')],
  })
  expect(a?.images).toBe(b?.images)
  expect(a?.spec).toBe(b?.spec)
})

test('of a finished pod no images are kept, since the kubelet may remove them', () => {
  expect(shrunk(podWith({}, { pod: { status: { phase: 'Failed' } } }))).toMatchObject({ images: [] })
})
