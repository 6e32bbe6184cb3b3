import { expect, test } from 'vitest'
import { START_GATE } from '../../../core/names.ts'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import type { Grant } from '../model/grant.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { hasPassed } from './container-observation.ts'
import { staleContainerIds } from './container-status.ts'
import { failOpensOf } from './fail-open-records.ts'
import { projectPod } from './pod-projection.ts'
import { sharedText } from './shared-text.ts'
import { holdersOf, nothingSeen } from './slot-release.ts'
import { ticketOf } from './ticket-from-pod.ts'

/* Gates that stay, as the watch shows them and the rooms read them; the cases are core/passed-gates.test.ts's. */

const GATE = 'startgate-start-db'
const at = (s: number) => `2026-01-01T00:00:${String(s).padStart(2, '0')}Z`
const WORD = JSON.stringify({ verdict: 'failed-open', attempt: 1, waitedMs: 9, reason: 'no contact' })

const of = (name: string, more: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  ready: false,
  started: false,
  restartCount: 0,
  containerID: `${name}-1`,
  ...more,
})
const runs = (name: string, from: number, more: Partial<ContainerStatus> = {}) =>
  of(name, { state: { running: { startedAt: at(from) } }, ...more })
const ended = (name: string, from: number, to: number, message: string): ContainerStatus =>
  of(name, {
    state: {
      terminated: { exitCode: 0, startedAt: at(from), finishedAt: at(to), containerID: `${name}-1`, message },
    },
  })
const pull = (attempt: number, to: number) => ended('startgate-pull', 1, to, JSON.stringify({ attempt }))

function seen(...initContainerStatuses: ContainerStatus[]): Pod {
  const pod = sequencedPod({ readiness: { db: { type: 'probe' } }, db: { startupProbe: {} } })
  const initContainers = (pod.spec.initContainers ?? []).map(c =>
    c.name.startsWith(START_GATE) ? { ...c, restartPolicy: 'Always', startupProbe: {} } : c,
  )
  const spec = { ...pod.spec, initContainers }
  return projectPod({ ...pod, spec, status: { phase: 'Pending', initContainerStatuses } }, sharedText())
}

function grantOf(pod: Pod, attempt = 1): Grant {
  const ticket = ticketOf(pod, { gate: GATE, attempt })
  if ('refused' in ticket) throw new Error(ticket.refused)
  const times = { grantedAtMs: 0, timeoutMs: 60_000 }
  return { ...ticket, ...times, staleContainerIds: staleContainerIds(pod, ticket) } as unknown as Grant
}

const holders = (grant: Grant, pod: Pod) =>
  holdersOf(grant, { pod, seen: nothingSeen(0), nodeLost: false, settleMs: 0 }, 1_000)

test('the slot of what starts after such a gate is free when that is past starting', () => {
  const grant = grantOf(seen(pull(1, 5), runs(GATE, 6)))
  expect(holders(grant, seen(pull(1, 5), runs(GATE, 6))).holders).toEqual(['db'])
  expect(holders(grant, seen(pull(1, 5), runs(GATE, 6, { started: true }))).seen.gateEnded).toBe(false)
  const starting = holders(grant, seen(pull(1, 5), runs(GATE, 6, { started: true }), runs('db', 8)))
  expect([starting.holders, starting.seen.gateEnded]).toEqual([['db'], true])
  const past = seen(pull(1, 5), runs(GATE, 6, { started: true }), runs('db', 8, { started: true }))
  expect(holders(grant, past).holders).toEqual([])
  const crashedGate = seen(pull(1, 5), ended(GATE, 6, 12, ''), runs('db', 8, { started: true }))
  expect(holders(grant, crashedGate).holders).toEqual([])
})

test('what cannot be made gives its slot back at once', () => {
  const grant = grantOf(seen(pull(1, 5), runs(GATE, 6)))
  const db = of('db', { state: { waiting: { reason: 'CreateContainerConfigError' } } })
  expect(holders(grant, seen(pull(1, 5), runs(GATE, 6, { started: true }), db)).seen.ended.get('db')).toBe('BackOff')
})

test('after a reboot the records of the run before free nothing, and the gate may ask', () => {
  const before = [runs(GATE, 6, { started: true }), runs('db', 8, { started: true })]
  const grant = grantOf(seen(pull(2, 30), ...before), 2)
  expect(holders(grant, seen(pull(1, 5), ...before)).holders).toEqual(['db'])
  expect(holders(grant, seen(pull(2, 30), ...before)).holders).toEqual(['db'])
  const after = [runs(GATE, 31, { containerID: 'new' }), runs('db', 33, { containerID: 'db-2', started: true })]
  expect(holders(grant, seen(pull(2, 30), ...after)).holders).toEqual([])
  expect(hasPassed(seen(pull(2, 30), ...before), GATE, 2)).toBe(false)
  expect(hasPassed(seen(pull(2, 30), ...after), GATE, 2)).toBe(true)
})

test('such a gate asks once in a run; a kubelet started anew, which calls it started, is not believed', () => {
  const asks = (pod: Pod) => 'refused' in ticketOf(pod, { gate: GATE, attempt: 1 })
  expect(asks(seen(pull(1, 5), runs(GATE, 6)))).toBe(false)
  expect(asks(seen(pull(1, 5), runs(GATE, 6, { started: true })))).toBe(false)
  expect(asks(seen(pull(1, 5), runs(GATE, 6, { started: true }), runs('db', 8)))).toBe(true)
})

test('one that failed open is told of once, by what it said when it ended, whatever became of it since', () => {
  const said = { verdict: 'failed-open', gate: GATE, waitedMs: 9, reason: 'no contact', containerId: `${GATE}-1` }
  const want = [{ ...said, finishedAtMs: Date.parse(at(12)) }]
  const end = ended(GATE, 6, 12, WORD)
  const back = runs(GATE, 13, { containerID: `${GATE}-2`, restartCount: 1, ...(end.state && { lastState: end.state }) })
  expect(failOpensOf(seen(pull(1, 5), runs(GATE, 6), runs('db', 8)))).toEqual([])
  expect(failOpensOf(seen(pull(1, 5), end, runs('db', 8)))).toEqual(want)
  expect(failOpensOf(seen(pull(1, 5), back, runs('db', 8)))).toEqual(want)
})
