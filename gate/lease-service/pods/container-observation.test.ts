import { expect, test } from 'vitest'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { containersSeen, hasPassed } from './container-observation.ts'

const at = (s: number) => `2026-01-01T00:00:${String(s).padStart(2, '0')}Z`
const status = (name: string, fields: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  ready: false,
  restartCount: 0,
  containerID: `${name}-id`,
  ...fields,
})
const gateEnd = (name: string, to: number, attempt?: number) =>
  status(name, {
    state: {
      terminated: {
        exitCode: 0,
        containerID: `${name}-id`,
        finishedAt: at(to),
        ...(attempt !== undefined && { message: JSON.stringify({ attempt }) }),
      },
    },
  })
const running = (from: number, more: Partial<ContainerStatus> = {}) =>
  status('db', { state: { running: { startedAt: at(from) } }, started: true, ready: true, ...more })
const shown = (...initContainerStatuses: ContainerStatus[]): Pod => ({
  ...sequencedPod(),
  status: { initContainerStatuses },
})
const see = (pod: Pod, attempt = 1) => {
  const sequence = {
    stages: [{ gate: 'startgate-start-db' as const, containers: ['db'], dependsOn: [] }],
    readiness: {},
  }
  return containersSeen(pod, sequence, attempt).db
}
const nothing = { state: 'waiting', started: false, ready: false, restartCount: 0 }

test('a container that runs is shown with its ID', () => {
  expect(see(shown(gateEnd('startgate-pull', 10, 1), running(12)))).toEqual({
    ...nothing,
    state: 'running',
    id: 'db-id',
    started: true,
    ready: true,
    startedAtMs: Date.parse(at(12)),
  })
})

test('a container with a startup probe alone is ready once it is started; with a readiness probe, when it is said to be', () => {
  const seen = (probes: object, started: boolean) => {
    const pod = sequencedPod({ db: probes })
    const initContainerStatuses = [gateEnd('startgate-pull', 10, 1), running(12, { started, ready: false })]
    return see({ ...pod, status: { initContainerStatuses } })?.ready
  }
  expect(seen({ startupProbe: {} }, true)).toBe(true)
  expect(seen({ startupProbe: {} }, false)).toBe(false)
  expect(seen({ startupProbe: {}, readinessProbe: {} }, true)).toBe(false)
  expect(seen({ readinessProbe: {} }, true)).toBe(false)
  expect(seen({}, true)).toBe(false)
})

test("after a reboot an earlier run's record says nothing, however the pod's status looks", () => {
  expect(see(shown(gateEnd('startgate-pull', 10, 1), running(12)), 2)).toEqual(nothing)
  expect(see(shown(gateEnd('startgate-pull', 30, 2), running(12)), 2)).toEqual(nothing)
  expect(see(shown(gateEnd('startgate-pull', 30, 2), running(31)), 2)).toMatchObject({ state: 'running' })
})

test('an end is shown with its exit code, unless the runtime lost the container', () => {
  const ended = (containerID?: string) =>
    status('db', {
      state: { terminated: { exitCode: 3, startedAt: at(12), ...(containerID !== undefined && { containerID }) } },
      restartCount: 2,
    })
  const pull = gateEnd('startgate-pull', 10, 1)
  expect(see(shown(pull, ended('db-1')))).toEqual({
    ...nothing,
    state: 'terminated',
    id: 'db-1',
    exitCode: 3,
    restartCount: 2,
    startedAtMs: Date.parse(at(12)),
  })
  expect(see(shown(pull, ended()))).toEqual({ ...nothing, restartCount: 2 })
})

test('a container without a status waits', () => {
  expect(see(shown(gateEnd('startgate-pull', 10, 1)))).toEqual(nothing)
})

test.each([
  ['in this run', shown(gateEnd('startgate-pull', 10, 1), gateEnd('startgate-start-db', 11)), 1, true],
  ['in an earlier run', shown(gateEnd('startgate-pull', 30, 2), gateEnd('startgate-start-db', 11)), 2, false],
  [
    'as its message tells, in another',
    shown(gateEnd('startgate-pull', 30), gateEnd('startgate-start-db', 31, 1)),
    2,
    false,
  ],
  ['before its run is shown', shown(gateEnd('startgate-start-db', 11)), 1, false],
] as const)('a gate has passed %s', (_, pod, attempt, want) => {
  expect(hasPassed(pod, 'startgate-start-db', attempt)).toBe(want)
})
