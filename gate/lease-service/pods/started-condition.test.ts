import { expect, test } from 'vitest'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import type { Report } from './agent-reports.ts'
import { containersSeen } from './container-observation.ts'
import { sequenceOf } from './pod-sequence.ts'
import { startedCondition } from './started-condition.ts'

const pull: ContainerStatus = {
  name: 'startgate-pull',
  ready: true,
  restartCount: 0,
  state: { terminated: { exitCode: 0, finishedAt: '2026-01-01T00:00:10Z' } },
}
const running = (name: string, ready = true): ContainerStatus => ({
  name,
  ready,
  started: true,
  restartCount: 0,
  containerID: `${name}-1`,
  state: { running: { startedAt: '2026-01-01T00:00:12Z' } },
})
const of = (statuses: ContainerStatus[], reports: Report[] = [], timedOut: string[] = []) => {
  const pod: Pod = { ...sequencedPod(), status: { initContainerStatuses: [pull, ...statuses] } }
  const sequence = sequenceOf(pod)
  if (!sequence) throw new Error('no sequence in the pod')
  const byName = new Map(reports.map(report => [report.container, report]))
  const { status, reason, message } = startedCondition(sequence, containersSeen(pod, sequence, 1), {
    attempt: 1,
    reports: byName,
    timedOut: new Set(timedOut),
  })
  return [status, reason, message]
}
const db = (fields: Partial<Report>): Report => ({ container: 'db', state: 'starting', ...fields })

test('before anything runs', () => {
  expect(of([])).toEqual([
    'False',
    'Waiting',
    'db waits for a start slot; cache waits for a start slot; web, log wait for db (ready), cache (started)',
  ])
})
test('what a container says of itself is shown', () => {
  expect(of([running('db'), running('cache')], [db({ status: 'Recovering', errno: 5 })])).toEqual([
    'False',
    'Starting',
    'db is starting (Recovering; errno 5); web, log wait for db (ready)',
  ])
})
test('who was not ready in time blocks the others', () => {
  expect(of([running('db'), running('cache')], [], ['db'])).toEqual([
    'False',
    'TimedOut',
    'db is not ready in time; web, log wait for db (ready)',
  ])
})
test('one that gets ready after all blocks nobody', () => {
  const statuses = [running('db'), running('cache'), running('web', false), running('log')]
  expect(of(statuses, [db({ state: 'ready' })], ['db'])).toEqual(['False', 'Starting', 'web is starting'])
})
test('all ready', () => {
  const statuses = ['db', 'cache', 'web', 'log'].map(name => running(name))
  expect(of(statuses, [db({ state: 'ready' })])).toEqual(['True', 'AllReady', 'all containers are ready'])
})
