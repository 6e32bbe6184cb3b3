import { describe, expect, test } from 'vitest'
import type { Container, ContainerStatus, Pod } from '../../../core/pod.ts'
import type { Grant } from '../model/grant.ts'
import { staleContainerIds } from './container-status.ts'
import { holdersOf, nothingSeen, releaseReasonOf } from './slot-release.ts'

const TIMEOUT_MS = 60_000
const SETTLE_MS = 5_000

/** A stamp `s` whole seconds into the minute. */
const at = (s: number) => `2026-01-01T00:00:${String(s).padStart(2, '0')}Z`
const status = (name: string, fields: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  ready: false,
  restartCount: 0,
  ...fields,
})
const running = (name: string, id: string, more: Partial<ContainerStatus> & { from?: number } = {}) =>
  status(name, { containerID: id, state: { running: { startedAt: at(more.from ?? 10) } }, ...more })
const ended = (name: string, id: string, exitCode = 0, more: { from?: number; to?: number; message?: string } = {}) =>
  status(name, {
    containerID: id,
    state: {
      terminated: {
        exitCode,
        containerID: id,
        startedAt: at(more.from ?? 1),
        finishedAt: at(more.to ?? 10),
        message: more.message ?? '',
      },
    },
  })
const waiting = (name: string, reason: string, last?: ContainerStatus) =>
  status(name, { state: { waiting: { reason } }, lastState: last?.state ?? {} })

const gateOk = ended('startgate-start', 'gate')
const simple: Container = { name: 'app' }
const probed: Container = { name: 'app', readinessProbe: {} }
const slow: Container = { name: 'app', startupProbe: {}, readinessProbe: {} }

interface Observation {
  afterMs?: number
  init?: ContainerStatus[]
  app?: ContainerStatus[]
  pod?: Partial<NonNullable<Pod['status']>>
  deleted?: boolean
  nodeLost?: boolean
  noPod?: boolean
}

interface Case {
  container?: Container
  grant?: Partial<Grant>
  /** In order of time; the last one is looked at. */
  observations: Observation[]
  /** `held`, or why it ended. */
  want: string
  wantChangesInMs?: number
}

function grantOf(fields: Partial<Grant> = {}): Grant {
  return {
    key: 'start.u.1',
    resource: 'start',
    gate: 'startgate-start',
    attempt: 1,
    podUid: 'u',
    podName: 'p',
    namespace: 's',
    nodeName: 'n',
    containers: ['app'],
    slots: 1,
    images: [],
    priority: 0,
    createdAtMs: 0,
    term: 1,
    grantedAtMs: 0,
    timeoutMs: TIMEOUT_MS,
    staleContainerIds: ['old'],
    ...fields,
  }
}

function podOf(containers: Container[], { init = [gateOk], app = [], pod, deleted }: Observation): Pod {
  return {
    metadata: { uid: 'u', ...(deleted && { deletionTimestamp: at(0) }) },
    spec: { containers },
    status: { initContainerStatuses: init, containerStatuses: app, ...pod },
  }
}

function fold({ container = probed, grant: fields, observations }: Pick<Case, 'container' | 'grant' | 'observations'>) {
  const grant = grantOf(fields)
  let holding = { holders: ['?'], seen: nothingSeen(0), changesAtMs: undefined as number | undefined }
  for (const observed of observations) {
    const pod = observed.noPod ? undefined : podOf([container], observed)
    const facts = { pod, seen: holding.seen, nodeLost: observed.nodeLost ?? false, settleMs: SETTLE_MS }
    holding = holdersOf(grant, facts, observed.afterMs ?? 0)
  }
  return { ...holding, outcome: holding.holders.length > 0 ? 'held' : releaseReasonOf(holding.seen) }
}

const starts: Record<string, Case> = {
  'held while the gate still runs': {
    observations: [{ init: [running('startgate-start', 'gate')] }],
    want: 'held',
    wantChangesInMs: TIMEOUT_MS,
  },
  'held while the gate is gone and nothing runs yet': { observations: [{}], want: 'held', wantChangesInMs: TIMEOUT_MS },
  'held while the watch has not shown the pod': {
    observations: [{ noPod: true }],
    want: 'held',
    wantChangesInMs: TIMEOUT_MS,
  },
  'held while running and not ready': { observations: [{ app: [running('app', 'c')] }], want: 'held' },
  'over at the first ready': { observations: [{ app: [running('app', 'c', { ready: true })] }], want: 'Ready' },
  'a later flip of ready does not matter': {
    observations: [{ app: [running('app', 'c', { ready: true })] }, { app: [running('app', 'c')] }],
    want: 'Ready',
  },
  'with a startupProbe over at started, ready or not': {
    container: slow,
    observations: [{ app: [running('app', 'c', { started: true })] }],
    want: 'Ready',
  },
  'with a startupProbe ready alone is not it': {
    container: slow,
    observations: [{ app: [running('app', 'c', { ready: true })] }],
    want: 'held',
  },
  'without probes held until it has settled': {
    container: simple,
    observations: [{ app: [running('app', 'c', { ready: true })] }],
    want: 'held',
    wantChangesInMs: SETTLE_MS,
  },
  'without probes over when it has settled': {
    container: simple,
    observations: [{ app: [running('app', 'c')] }, { afterMs: SETTLE_MS, app: [running('app', 'c')] }],
    want: 'Ready',
  },
  'ready under a container ID from before the grant is not believed': {
    observations: [{ app: [running('app', 'old', { ready: true })] }],
    want: 'held',
  },
  'ready without a container ID is not believed': {
    observations: [{ app: [status('app', { ready: true, state: { running: {} } })] }],
    want: 'held',
  },
  'ready is not believed while the gate runs': {
    observations: [{ init: [running('startgate-start', 'gate')], app: [running('app', 'c', { ready: true })] }],
    want: 'held',
  },
  "ready is not believed next to an earlier gate's record": {
    observations: [{ init: [ended('startgate-start', 'old')], app: [running('app', 'c', { ready: true })] }],
    want: 'held',
  },
  'ready is not believed next to the record of another attempt': {
    observations: [
      {
        init: [ended('startgate-start', 'g1', 0, { message: '{"attempt":3}' })],
        app: [running('app', 'c', { ready: true })],
      },
    ],
    want: 'held',
  },
  'the record of this attempt is believed': {
    observations: [
      {
        init: [ended('startgate-start', 'g1', 0, { message: '{"attempt":1}' })],
        app: [running('app', 'c', { ready: true })],
      },
    ],
    want: 'Ready',
  },
  'a gate that was killed has let nothing start': {
    observations: [{ init: [ended('startgate-start', 'gate', 143)], app: [running('app', 'c', { ready: true })] }],
    want: 'held',
  },
  'ready is not believed of a container older than the end of the gate': {
    observations: [{ app: [running('app', 'c', { ready: true, from: 9 })] }],
    want: 'held',
  },
  'a start in the second in which the gate ended counts': {
    observations: [{ app: [running('app', 'c', { ready: true, from: 10 })] }],
    want: 'Ready',
  },
  'ended by an error: failed': { observations: [{ app: [ended('app', 'c', 1, { from: 11 })] }], want: 'Failed' },
  'ended well: finished': { observations: [{ app: [ended('app', 'c', 0, { from: 11 })] }], want: 'PodFinished' },
  'an end from before the grant is not believed': { observations: [{ app: [ended('app', 'old', 1)] }], want: 'held' },
  'a record that the runtime lost is not believed': {
    observations: [{ app: [status('app', { state: { terminated: { exitCode: 137 } } })] }],
    want: 'held',
  },
  'crashed and restarted between two statuses: failed': {
    observations: [
      { app: [{ ...running('app', 'c2', { from: 13 }), lastState: ended('app', 'c', 1, { from: 11 }).state ?? {} }] },
    ],
    want: 'Failed',
  },
  'running under another ID than before: failed': {
    observations: [{ app: [running('app', 'c')] }, { app: [running('app', 'c2', { ready: true })] }],
    want: 'Failed',
  },
  'crash loop: back-off': {
    observations: [{ app: [waiting('app', 'CrashLoopBackOff', ended('app', 'c', 1, { from: 11 }))] }],
    want: 'BackOff',
  },
  'crash loop from before the grant is not believed': {
    observations: [{ app: [waiting('app', 'CrashLoopBackOff', ended('app', 'old', 1))] }],
    want: 'held',
  },
  'image cannot be pulled: back-off': {
    observations: [{ app: [waiting('app', 'ImagePullBackOff')] }],
    want: 'BackOff',
  },
  'back-off next to a gate that still runs is not believed': {
    observations: [{ init: [running('startgate-start', 'gate')], app: [waiting('app', 'ImagePullBackOff')] }],
    want: 'held',
  },
  'never seen running: timed out from the grant': { observations: [{}, { afterMs: TIMEOUT_MS }], want: 'TimedOut' },
  'seen running: the timeout runs from then': {
    observations: [
      { afterMs: TIMEOUT_MS - 1, app: [running('app', 'c')] },
      { afterMs: 2 * TIMEOUT_MS - 2, app: [running('app', 'c')] },
    ],
    want: 'held',
    wantChangesInMs: 1,
  },
  'never ready: timed out': {
    observations: [
      { afterMs: 1_000, app: [running('app', 'c')] },
      { afterMs: 1_000 + TIMEOUT_MS, app: [running('app', 'c')] },
    ],
    want: 'TimedOut',
  },
  'an old status that comes late does not bring the earlier timeout back': {
    observations: [
      { afterMs: 30_000, app: [running('app', 'c')] },
      { afterMs: TIMEOUT_MS, app: [] },
    ],
    want: 'held',
  },
  'deleted while nothing runs: gone': { observations: [{ deleted: true }], want: 'PodGone' },
  'deleted while it starts: held until it ends': {
    observations: [{ deleted: true, app: [running('app', 'c')] }],
    want: 'held',
  },
  finished: { observations: [{ pod: { phase: 'Failed' } }], want: 'PodFinished' },
  'node lost': { observations: [{ nodeLost: true, app: [running('app', 'c')] }], want: 'NodeLost' },
}

const [STEP_0, STEP_1] = ['startgate-image-0', 'startgate-image-1']
const pullGrant: Partial<Grant> = {
  key: 'pull.u.1',
  resource: 'pull',
  gate: 'startgate-pull',
  containers: [STEP_0, STEP_1],
  images: ['docker.io/library/nginx:1'],
}
const pullGate = ended('startgate-pull', 'gate')
const always: Container = { name: 'app', image: 'nginx:1', imagePullPolicy: 'Always' }
const stepsDone = [pullGate, ended(STEP_0, 's0'), running(STEP_1, 's1')]

const pulls: Record<string, Case> = {
  'held while the first of two images has been pulled': {
    observations: [{ init: [pullGate, running(STEP_0, 's0')] }],
    want: 'held',
    wantChangesInMs: TIMEOUT_MS,
  },
  'over when the last image step runs': { observations: [{ init: stepsDone }], want: 'Pulled' },
  'over when the last image step has ended': {
    observations: [{ init: [pullGate, ended(STEP_0, 's0', 0, { from: 10 }), ended(STEP_1, 's1', 0, { from: 11 })] }],
    want: 'Pulled',
  },
  'a step of an earlier run is not believed': {
    observations: [{ init: [pullGate, ended(STEP_0, 'old'), running(STEP_1, 'old')] }],
    want: 'held',
  },
  'a step in back-off gives the slot back': {
    observations: [{ init: [pullGate, waiting(STEP_0, 'ImagePullBackOff')] }],
    want: 'BackOff',
  },
  'a step whose pull failed once holds it: the kubelet may be at it again': {
    observations: [{ init: [pullGate, waiting(STEP_0, 'ErrImagePull')] }],
    want: 'held',
    wantChangesInMs: TIMEOUT_MS,
  },
  'a step that failed gives the slot back': {
    observations: [{ init: [pullGate, ended(STEP_0, 's0', 128, { from: 10 })] }],
    want: 'Failed',
  },
  'over with pull policy Always too: who waits for a start slot holds no pull slot': {
    container: always,
    observations: [{ init: stepsDone, app: [waiting('app', 'PodInitializing')] }],
    want: 'Pulled',
  },
  'timed out': { observations: [{}, { afterMs: TIMEOUT_MS, init: [pullGate] }], want: 'TimedOut' },
  'deleted: gone': { observations: [{ deleted: true, init: [pullGate, running(STEP_0, 's0')] }], want: 'PodGone' },
}
function check(tc: Case): void {
  const { outcome, changesAtMs } = fold(tc)
  expect(outcome).toBe(tc.want)
  const nowMs = tc.observations.at(-1)?.afterMs ?? 0
  if (tc.want === 'held') expect(changesAtMs).toBeGreaterThan(nowMs)
  if (tc.wantChangesInMs !== undefined) expect(changesAtMs).toBe(nowMs + tc.wantChangesInMs)
}

describe('a start slot', () => {
  test.each(Object.entries(starts))('%s', (_name, tc) => check(tc))
})

describe('a pull slot', () => {
  test.each(Object.entries(pulls))('%s', (_name, tc) => check({ ...tc, grant: pullGrant }))
})

test('slots of one grant end container by container, and the worst end is the reason', () => {
  const pod = (app: ContainerStatus[]): Pod =>
    podOf(
      [
        { ...probed, name: 'a' },
        { ...probed, name: 'b' },
      ],
      { app },
    )
  const grant = grantOf({ containers: ['a', 'b'], slots: 2 })
  const facts = { nodeLost: false, settleMs: SETTLE_MS }
  const first = holdersOf(grant, { ...facts, pod: pod([running('a', 'ca', { ready: true })]), seen: nothingSeen(0) }, 0)
  expect(first.holders).toEqual(['b'])
  const second = holdersOf(grant, { ...facts, pod: pod([ended('b', 'cb', 1, { from: 11 })]), seen: first.seen }, 1)
  expect(second.holders).toEqual([])
  expect(releaseReasonOf(second.seen)).toBe('Failed')
})

test('container IDs of its gate and containers are stale, but for init containers that run: the gate that asks is one', () => {
  const pod = podOf([simple], {
    init: [
      ended('startgate-pull', 'p1'),
      running('startgate-start', 'g2', { lastState: ended('startgate-start', 'g1').state ?? {} }),
    ],
    app: [running('app', 'c2', { lastState: ended('app', 'c1', 1).state ?? {} })],
  })
  const ticket = { gate: 'startgate-start' as const, containers: ['app'] }
  expect(staleContainerIds(pod, ticket).toSorted()).toEqual(['c1', 'c2', 'g1'])
})
