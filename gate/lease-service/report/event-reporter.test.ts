import { beforeEach, expect, test, vi } from 'vitest'
import type { Pod } from '../../../core/pod.ts'
import type { Scope } from '../limits/scope.ts'
import type { Grant } from '../model/grant.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { type EventInput, Reporter } from './event-reporter.ts'

let events: EventInput[]
let reporter: Reporter
beforeEach(() => {
  events = []
  reporter = new Reporter({
    record: event => void events.push(event),
    failedOpen: () => undefined,
    clock: { wallMs: () => 0, monotonicMs: () => 0 },
    waitingEventAfterMs: 0,
    findWorkload: (_kind, namespace, name) => ({ metadata: { name, namespace, uid: `uid-${name}` } }),
  })
})
const told = () => events.map(e => `${e.regarding.kind} ${e.regarding.name} ${e.reason}: ${e.note}`)
const grant = { resource: 'start', timeoutMs: 60_000, containers: ['db'] } as unknown as Grant

test('a container that is not ready in time is told of with those who wait for it, once', () => {
  reporter.timedOut({ grant, container: 'db' }, sequencedPod())
  reporter.released({ grant, reason: 'TimedOut', late: ['db'] }, sequencedPod())
  expect(told()).toEqual([
    'Pod shop-0 StartgateTimedOut: db is not ready within 60 s: web, log wait for it; its start slot goes to the next pod; when it gets ready after all, the rest goes on',
  ])
})

test('a plain pod is told at the release, as before', () => {
  const plain: Pod = { ...sequencedPod(), spec: { containers: [{ name: 'db' }] } }
  reporter.timedOut({ grant, container: 'db' }, plain)
  expect(told()).toEqual([])
  reporter.released({ grant: { ...grant, containers: ['web', 'db'] }, reason: 'TimedOut', late: ['db'] }, plain)
  expect(told()).toEqual([expect.stringContaining('StartgateTimedOut: db not ready within 60 s: its start slot goes')])
})

test('of many containers that are late the first are named', () => {
  const late = Array.from({ length: 2_000 }, (_, i) => `c-${i}`)
  reporter.released({ grant, reason: 'TimedOut', late }, { ...sequencedPod(), spec: { containers: [{ name: 'c-0' }] } })
  expect(told()).toEqual([
    expect.stringContaining('c-0, c-1, c-2, c-3, c-4, c-5, c-6, c-7, 1992 more not ready within'),
  ])
})

test('a pod that needs more slots than there are is told how many, of what, and what to write', () => {
  const source = 'startgate.dev/max-starting: 2 on namespace shop'
  const scope = { limit: 2, subject: 'namespace shop', source } as unknown as Scope
  reporter.oversize(sequencedPod(), 3, scope)
  expect(told()).toEqual([
    `Pod shop-0 StartgateOversize: this pod needs 3 start slots, and namespace shop has 2 (${source}): it starts alone there; raise that to 3`,
  ])
})

test('of a circle that somebody makes long, little is said, to few, and little is kept', () => {
  const names = Array.from({ length: 5_000 }, (_, i) => `deployment/${'a'.repeat(200)}-${i}`)
  const pods = names.map((_, i) => sequencedPod({ metadata: { uid: `p${i}`, name: `p${i}` } }))
  const cycle = { namespace: 'shop', path: [...names, names[0] ?? ''], keys: [], pods }
  reporter.cycles([cycle])
  reporter.cycles([cycle])
  expect(events.length).toBe(100)
  expect(events[0]?.note).toContain(`-7 → 4992 more → ${names[0]}; each waits`)
  expect(JSON.stringify(events).length).toBeLessThan(500_000)
  reporter.cycles([{ ...cycle, path: [...names.slice(0, -1), names[0] ?? ''] }])
  expect(events.length).toBe(200)
})

test('a cycle is told on every workload and waiting pod, once as long as it lasts', () => {
  const cycle = { namespace: 'shop', path: ['deployment/a', 'job/b', 'deployment/a'], keys: [], pods: [sequencedPod()] }
  reporter.cycles([cycle])
  reporter.cycles([cycle])
  expect(events.map(e => `${e.regarding.apiVersion} ${e.regarding.kind} ${e.regarding.name}`)).toEqual([
    'batch/v1 Job b',
    'apps/v1 Deployment a',
    'v1 Pod shop-0',
  ])
  expect(events[0]?.note).toContain('deployment/a → job/b → deployment/a')
  reporter.cycles([])
  reporter.cycles([cycle])
  expect(events.length).toBe(6)
})

const waitingFor = (key: string) =>
  ({ key, resource: 'start', namespace: 'shop', cause: 'full', place: 1, of: 1, reason: 'start: full' }) as const

test('that a pod waits is told once for each of its gates, and of a pod that is gone nothing is kept', () => {
  for (const key of ['start.u1.1', 'start.u1.1', 'pull.u1.1'])
    reporter.waiting(waitingFor(key), 1, () => sequencedPod())
  expect(events.length).toBe(2)
  reporter.podGone('u1')
  reporter.waiting(waitingFor('start.u1.1'), 1, () => sequencedPod())
  expect(events.length).toBe(3)
})

test('a pod that is gone costs no look at those that wait', () => {
  for (let i = 0; i < 1_000; i++)
    reporter.waiting(waitingFor(`start.p${i}.1`), 1, () => sequencedPod({ metadata: { uid: `p${i}` } }))
  const looks = vi.spyOn(String.prototype, 'includes')
  for (let i = 0; i < 100; i++) reporter.podGone(`gone-${i}`)
  const { length } = looks.mock.calls
  looks.mockRestore()
  expect(length).toBe(0)
})
