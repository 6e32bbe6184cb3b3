import { describe, expect, test } from 'vitest'
import type { Pod } from '../../../core/pod.ts'
import { madePod } from '../testing/made-pods.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import {
  RESERVATION_AFTER_START_MS,
  RESERVATION_MS,
  ReconnectReservations,
  reservationMs,
} from './reconnect-reservations.ts'

const gate = { name: 'startgate-start', ready: false, restartCount: 0 }
const running = { ...gate, state: { running: { startedAt: '2026-01-01T00:00:01Z' } } }
const waiting = (name: string): Pod => madePod(name, { phase: 'Pending', initContainerStatuses: [running] })
const ended = (attempt: number) => ({ terminated: { exitCode: 0, message: `{"attempt":${attempt}}` } })

function begun(pods: Pod[]): ReconnectReservations {
  const reservations = new ReconnectReservations()
  reservations.begin(pods, 1_000 + RESERVATION_MS)
  return reservations
}
const away = (reservations: ReconnectReservations, nowMs = 1_000) => reservations.tickets(nowMs).map(({ key }) => key)

describe('whose turn is kept', () => {
  const created = madePod('made')
  const passed = madePod('passed', { phase: 'Running', initContainerStatuses: [{ ...gate, state: ended(1) }] })
  const going = { ...waiting('going'), metadata: { ...waiting('going').metadata, deletionTimestamp: 'now' } }
  test('that of a gate that runs, and of no other', () => {
    expect(away(begun([waiting('a'), created, passed, going]))).toEqual(['start.a.1'])
  })
  test("a gate's run is told by the ends that the status shows", () => {
    const [pull, start] = ['startgate-pull', 'startgate-start'].map(name => ({ ...running, name }))
    const pod = (name: string, initContainerStatuses: NonNullable<Pod['status']>['initContainerStatuses']): Pod => ({
      ...madePod(name, { phase: 'Pending', ...(initContainerStatuses && { initContainerStatuses }) }),
      spec: { ...madePod(name).spec, initContainers: [{ name: 'startgate-pull' }, { name: 'startgate-start' }] },
    })
    const pods = [
      pod('pulls', pull && [pull]),
      pod('pulls-again', pull && [{ ...pull, lastState: ended(1) }]),
      pod('starts', start && [{ ...gate, name: 'startgate-pull', state: ended(1) }, start]),
      pod('starts-again', start && [{ ...gate, name: 'startgate-pull', state: ended(2) }, start]),
    ]
    expect(away(begun(pods))).toEqual(['pull.pulls.1', 'start.pulls-again.2', 'start.starts.1', 'start.starts-again.2'])
  })
})

test('a stage has a turn unless it depends on others: then its agent may not want one yet', () => {
  const at = (name: string): Pod => ({
    ...sequencedPod(),
    status: { phase: 'Pending', initContainerStatuses: [{ ...running, name }] },
  })
  const stages = ['startgate-start-db', 'startgate-start-cache', 'startgate-start']
  expect(stages.map(name => away(begun([at(name)])))).toEqual([
    ['start.u1.1.startgate-start-db'],
    ['start.u1.1.startgate-start-cache'],
    [],
  ])
})

test('a process that has just begun keeps turns for as long as gates may pause that reached nobody before', () => {
  const ages = [0, 4_000, RESERVATION_AFTER_START_MS - RESERVATION_MS, 3_600_000]
  expect(ages.map(reservationMs)).toEqual([15_000, 11_000, 2_000, 2_000])
})

describe('a turn is kept no longer', () => {
  const ends: Record<string, (reservations: ReconnectReservations) => unknown> = {
    'when the gate is back or its pod is gone': r => r.remove('a'),
    'when the gate has ended': r =>
      r.podChanged(madePod('a', { phase: 'Pending', initContainerStatuses: [{ ...gate, state: ended(1) }] })),
    'after its time': r => r.tickets(1_000 + RESERVATION_MS),
  }
  test.each(Object.entries(ends))('%s', (_, end) => {
    const reservations = begun([waiting('a')])
    expect([away(reservations, 999 + RESERVATION_MS), reservations.wakeAtMs()]).toEqual([
      ['start.a.1'],
      1_000 + RESERVATION_MS,
    ])
    end(reservations)
    expect([away(reservations), reservations.wakeAtMs()]).toEqual([[], undefined])
  })
  test('but it is as long as the gate runs', () => {
    const reservations = begun([waiting('a')])
    reservations.podChanged(waiting('a'))
    expect(away(reservations)).toEqual(['start.a.1'])
  })
})
