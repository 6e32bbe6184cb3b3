import { expect, test } from 'vitest'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import type { Sequence } from '../../../core/sequence.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { sequencedPod as madeSequencedPod } from '../testing/sequenced-pod.ts'
import { type SequencedFacts, sequencedPod } from './sequenced-pods.ts'

const passed = (name: string): ContainerStatus => ({
  ...{ name, ready: true, restartCount: 0, containerID: `${name}-1` },
  state: { terminated: { exitCode: 0, containerID: `${name}-1`, finishedAt: '2026-01-01T00:00:10Z' } },
})
const runs = (name: string, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  ...{ name, ready: false, started: true, restartCount: 0, containerID: `${name}-1` },
  state: { running: { startedAt: '2026-01-01T00:00:20Z' } },
  ...more,
})

function told(statuses: ContainerStatus[], more: Partial<SequencedFacts> = {}): Record<string, string> | undefined {
  const pod: Pod = { ...madeSequencedPod(), status: { initContainerStatuses: statuses, containerStatuses: statuses } }
  const sequence = sequenceOf(pod) as Sequence
  const facts = { pod, sequence, attempt: 1, reports: undefined, timedOut: new Set<string>(), hasAgent: true, ...more }
  const row = sequencedPod(facts)
  return row && Object.fromEntries(row.containers.map(c => [c.name, `${c.phase} ${waitsFor(c)}|${c.blocks.join()}`]))
}

const waitsFor = ({ waitsFor: all }: { waitsFor: { container: string; condition: string }[] }): string =>
  all.map(({ container, condition }) => `${container}:${condition}`).join()

const READY = [
  { container: 'db', state: 'ready' as const },
  { container: 'web', state: 'ready' as const },
]
const reports = new Map(READY.map(report => [report.container, report]))
const LAST = 'blocked db:ready,cache:started|'

test.each<[string, ContainerStatus[], Partial<SequencedFacts>, Record<string, string> | undefined]>([
  [
    'before its first gate is let go, images are yet to be pulled',
    [],
    {},
    { db: 'pulling |web,log', cache: 'pulling |web,log', web: LAST, log: LAST },
  ],
  [
    'then each without a dependency waits for a slot',
    [passed('startgate-pull')],
    {},
    { db: 'pending |web,log', cache: 'pending |web,log', web: LAST, log: LAST },
  ],
  [
    'whose gate was let go, is starting before it runs',
    [passed('startgate-pull'), passed('startgate-start-db')],
    {},
    { db: 'starting |web,log', cache: 'pending |web,log', web: LAST, log: LAST },
  ],
  [
    'one that runs blocks those that wait for its word',
    [passed('startgate-pull'), passed('startgate-start-db'), runs('db'), runs('cache')],
    {},
    { db: 'starting |web,log', cache: 'ready |', web: 'blocked db:ready|', log: 'blocked db:ready|' },
  ],
  [
    'one that was not ready in time goes on blocking',
    [passed('startgate-pull'), passed('startgate-start-db'), runs('db')],
    { timedOut: new Set(['db']) },
    { db: 'timed-out |web,log', cache: 'pending |web,log', web: LAST, log: LAST },
  ],
  [
    'one that the kubelet backs off from has failed',
    [
      passed('startgate-pull'),
      passed('startgate-start-db'),
      runs('db', { state: { waiting: { reason: 'CrashLoopBackOff' } }, restartCount: 3 }),
    ],
    {},
    { db: 'failed |web,log', cache: 'pending |web,log', web: LAST, log: LAST },
  ],
  [
    'when all it waited for is ready, the rest waits for slots, together',
    [passed('startgate-pull'), runs('db'), runs('cache')],
    { reports },
    { db: 'ready |', cache: 'ready |', web: 'pending |', log: 'pending |' },
  ],
  [
    'when all are ready it is told of no more',
    [passed('startgate-pull'), runs('db'), runs('cache'), runs('web', { ready: true }), runs('log')],
    { reports },
    undefined,
  ],
])('%s', (_, statuses, more, want) => {
  expect(told(statuses, more)).toEqual(want)
})

test('what a container says of itself, and its present run', () => {
  const pod: Pod = {
    ...madeSequencedPod(),
    status: { initContainerStatuses: [passed('startgate-pull'), runs('db', { restartCount: 2 })] },
  }
  const words = new Map([['db', { container: 'db', state: 'starting' as const, status: 'replaying', errno: 28 }]])
  const row = sequencedPod({
    ...{ pod, sequence: sequenceOf(pod) as Sequence, attempt: 1, reports: words, timedOut: new Set(), hasAgent: false },
  })
  expect(row).toMatchObject({ id: 'shop/shop-0/u1', node: 'n', agent: false })
  expect(row?.containers[0]).toEqual({
    ...{ name: 'db', phase: 'starting', gate: 'startgate-start-db', waitsFor: [], blocks: ['web', 'log'] },
    ...{ startedAtMs: Date.parse('2026-01-01T00:00:20Z'), restartCount: 2, status: 'replaying; errno 28' },
  })
})
