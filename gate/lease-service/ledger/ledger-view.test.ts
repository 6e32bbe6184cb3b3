import { expect, test } from 'vitest'
import type { Container, Pod } from '../../../core/pod.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { Ticket } from '../model/grant.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { Ledger } from './ledger.ts'

function ticketFor(pod: Pod): Ticket {
  const ticket = ticketOf(pod, { gate: 'startgate-start', attempt: 1 })
  if ('refused' in ticket) throw new Error(ticket.refused)
  return ticket
}

function asking(ledger: Ledger, name: string, containers: Container[] = [{ name: 'app' }], after?: string): void {
  const pod = madePod(name, {
    phase: 'Pending',
    initContainerStatuses: [
      {
        ...{ name: 'startgate-start', ready: false, restartCount: 0 },
        state: { running: { startedAt: '2026-01-01T00:00:05Z' } },
      },
    ],
  })
  const annotations = after === undefined ? {} : { 'startgate.dev/after': after }
  const whole = {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...pod.spec, containers },
  }
  ledger.upsertPod(whole)
  ledger.ask(ticketFor(whole), 10)
}

function ledgerOf(node = { maxStarting: 1 }): Ledger {
  const ledger = new Ledger({ ...DEFAULT_SETTINGS, node }, { findWorkload: () => 'Absent' })
  ledger.upsertNode(madeNode())
  ledger.setNamespace('shop', { maxStarting: 3, maxStartRate: { count: 10, periodMs: 1_000 } })
  return ledger
}

test('who waits is told with its ticket and what blocks it; who stands in no line, with why', () => {
  const ledger = ledgerOf()
  for (const name of ['a', 'b']) asking(ledger, name)
  asking(ledger, 'c', undefined, 'deployment/db')
  const step = ledger.step(10, 1)
  const told = ledger.view().waiting()
  expect(told.map(({ row }) => row)).toEqual(step.waiting)
  expect(
    told.map(({ ticket, obstacle, row, askedAtMs }) => [ticket.podName, obstacle?.scope.id, row.cause, askedAtMs]),
  ).toEqual([
    ['b', 'node/worker-1', 'full', 10],
    ['c', undefined, 'order', 10],
  ])
  expect(told[0]?.startedAtMs).toBe(Date.parse('2026-01-01T00:00:05Z'))
  // It is what the last step said, whoever hangs up meanwhile.
  ledger.withdraw('start.c.1')
  expect(ledger.view().waiting()).toHaveLength(2)
  ledger.step(20, 1)
  expect(
    ledger
      .view()
      .waiting()
      .map(({ ticket }) => ticket.podName),
  ).toEqual(['b'])
})

test('scopes in use are as usage has them, with where the limit is written; and limits that nobody uses yet', () => {
  const ledger = ledgerOf()
  asking(ledger, 'a')
  asking(ledger, 'b')
  ledger.step(10, 1)
  const scopes = ledger.view().scopes()
  const usage = ledger.usage()
  for (const { resource, ref, scope, held, debt } of scopes) {
    const row = usage.find(each => each.resource === resource && each.scope === ref.id)
    if (row)
      expect({ held, debt, limit: scope?.limit ?? Number.POSITIVE_INFINITY }).toEqual({
        held: row.held,
        debt: row.debt,
        limit: row.limit,
      })
  }
  for (const { resource, scope } of usage)
    expect(scopes.filter(each => each.resource === resource && each.ref.id === scope)).toHaveLength(1)
  const source = (id: string) => scopes.find(({ ref }) => ref.id === id)?.scope?.source
  expect(source('namespace/shop')).toBe('startgate.dev/max-starting: 3 on namespace shop')
  expect(source('rate/namespace/shop')).toBe('startgate.dev/max-start-rate on namespace shop')
})

test('nodes are told with their limits', () => {
  const ledger = ledgerOf()
  asking(ledger, 'a')
  ledger.step(10, 1)
  expect([...ledger.view().nodes()]).toEqual([
    {
      ...{ name: 'worker-1', cores: 2, lost: false },
      held: { pull: 0, start: 1 },
      debt: { pull: 0, start: 0 },
      limit: { pull: 1, start: 1 },
    },
  ])
})

test('a namespace that is frozen is told of while nobody holds or waits there; one that freezes the cluster is not', () => {
  const ledger = new Ledger({ ...DEFAULT_SETTINGS, ownNamespace: 'startgate-system' })
  for (const name of ['shop', 'startgate-system']) ledger.setNamespace(name, { frozen: 'alice: why' })
  ledger.setNamespace('off', { frozen: 'alice: why', mode: 'off' })
  const told = ledger.view().scopes()
  const frozen = told.filter(({ scope }) => scope?.limit === 0).map(({ resource, ref }) => `${resource}:${ref.id}`)
  expect(frozen.toSorted()).toEqual(['pull:cluster', 'pull:namespace/shop', 'start:cluster', 'start:namespace/shop'])
  expect(told.filter(({ ref }) => ref.id.includes('off'))).toEqual([])
})
