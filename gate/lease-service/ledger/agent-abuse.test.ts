import { expect, test } from 'vitest'
import type { AgentReport } from '../../../core/lease-api.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { Ticket } from '../model/grant.ts'
import { LatestRuns } from '../model/latest-runs.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { RequestRates } from '../streams/request-rates.ts'
import { madePod } from '../testing/made-pods.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { Ledger } from './ledger.ts'
import { WaitingTickets } from './waiting-tickets.ts'

const report = (container: string): AgentReport => ({ container, state: 'starting', status: 'x'.repeat(256) })

test('of what an agent reports only its own containers are kept, of one run', () => {
  const ledger = new Ledger(DEFAULT_SETTINGS)
  ledger.upsertPod(sequencedPod())
  for (let attempt = 1; attempt <= 50; attempt++) {
    const made = Array.from({ length: 200 }, (_, i) => report(`made-up-${attempt}-${i}`))
    ledger.report('u1', attempt, [...made, report('db'), report('web')], 0)
  }
  expect([...(ledger.reportsOf('u1', 50)?.keys() ?? [])]).toEqual(['db', 'web'])
  expect(ledger.reportsOf('u1', 49)).toBeUndefined()
})

test('reports of a pod without a sequence, or that is not known, are not kept', () => {
  const ledger = new Ledger(DEFAULT_SETTINGS)
  ledger.upsertPod(madePod('a'))
  for (const uid of ['a', 'stranger']) ledger.report(uid, 1, [report('app')], 0)
  expect([ledger.reportsOf('a', 1)?.size ?? 0, ledger.reportsOf('stranger', 1)?.size ?? 0]).toEqual([0, 0])
})

test('when a run first asked is remembered of the latest run alone', () => {
  const tickets = new WaitingTickets()
  const ticket = (attempt: number) => ticketOf(madePod('a'), { gate: 'startgate-start', attempt }) as Ticket
  for (let attempt = 1; attempt <= 1_000; attempt++) tickets.add(ticket(attempt), attempt)
  expect([tickets.sinceMs(ticket(999)), tickets.sinceMs(ticket(1_000))]).toEqual([undefined, 1_000])
})

test('what is kept of a run stays while it is the latest, and goes with the pod', () => {
  const runs = new LatestRuns<number>()
  const [a, b, later] = [1, 1, 2].map((attempt, i) => ({ podUid: 'u', attempt, key: `${i}` }))
  runs.set(a as never, 1)
  runs.set(b as never, 2)
  expect([runs.get(a as never), runs.get(b as never)]).toEqual([1, 2])
  runs.set(later as never, 3)
  expect([runs.get(a as never), runs.get(later as never)]).toEqual([undefined, 3])
  runs.removePod('u')
  expect(runs.get(later as never)).toBeUndefined()
})

test('a pod that comes too often is told so, and no other with it', () => {
  let nowMs = 0
  const rates = new RequestRates(() => nowMs)
  const refused = (name: string) => {
    try {
      rates.take(madePod(name))
      return 0
    } catch (error) {
      expect(error).toMatchObject({
        status: 429,
        code: 'TOO_MANY_REQUESTS',
        message: expect.stringContaining('try again'),
      })
      return 1
    }
  }
  const refusedOf = (name: string, times: number) =>
    Array.from({ length: times }, () => refused(name)).reduce<number>((a, b) => a + b, 0)
  expect([refusedOf('a', 2_000), refusedOf('b', 100)]).toEqual([1_900, 0])
  nowMs = 1_000
  expect(refusedOf('a', 20)).toBe(10)
  nowMs = 3_600_000
  expect(refusedOf('a', 101)).toBe(1)
})
