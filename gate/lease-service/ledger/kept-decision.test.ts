import { beforeEach, expect, test } from 'vitest'
import type { Node, Pod } from '../../../core/pod.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { Overloads } from '../limits/overloads.ts'
import type { LimitFacts } from '../limits/scope.ts'
import { scopesOf } from '../limits/scopes.ts'
import type { Ticket } from '../model/grant.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { Ledger } from './ledger.ts'

const WAITING = 100

let looks: number
let overloads: Overloads
let ledger: Ledger
beforeEach(() => {
  overloads = new Overloads()
  const counted = (ticket: Ticket, facts: LimitFacts) => {
    looks += 1
    return scopesOf(ticket, facts)
  }
  ledger = new Ledger(DEFAULT_SETTINGS, { overloads, scopesOf: counted as typeof scopesOf })
  ledger.upsertNode(node(2))
  for (let i = 0; i < WAITING; i++) ask(pod(i))
  ledger.step(0, 1)
  ledger.step(1, 1)
  looks = 0
})

const node = (maxStarting: number, cores = 1): Node => ({
  metadata: { name: 'n', annotations: { 'startgate.dev/max-starting-per-node': `${maxStarting}` } },
  status: { capacity: { cpu: `${cores}` }, conditions: [{ type: 'Ready', status: 'True' }] },
})

/** Each of a namespace of its own, so that each has its own limits. */
function pod(i: number): Pod {
  return {
    metadata: { uid: `u${i}`, name: `p${i}`, namespace: `ns${i}`, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      nodeName: 'n',
      initContainers: [{ name: 'startgate-start', image: 'g:1' }],
      containers: [{ name: 'app', image: 'x:1' }],
    },
    status: { phase: 'Pending' },
  }
}

function ask(shown: Pod): void {
  ledger.upsertPod(shown)
  const ticket = ticketOf(shown, { gate: 'startgate-start', attempt: 1 })
  if ('refused' in ticket) throw new Error(ticket.refused)
  ledger.ask(ticket, 0)
}

/** Who goes at a step now, and how many are left. */
function stepped(): { grants: string[]; left: number } {
  const { grants, waiting } = ledger.step(2, 1)
  return { grants: grants.map(({ podUid }) => podUid), left: waiting.length }
}

test('a status that changes no slot costs no look at the limits of those who wait', () => {
  const before = ledger.step(1, 1).waiting
  ledger.upsertPod(pod(7))
  ledger.upsertNode(node(2))
  expect(ledger.step(2, 1).waiting).toEqual(before)
  expect(looks).toBe(0)
})

test('what is said of one whose place has not changed is the same row', () => {
  const [before] = ledger.step(2, 1).waiting
  expect(before?.place).toBe(1)
  expect(ledger.step(3, 1).waiting[0]).toBe(before)
})

test.each<[string, () => void, { grants: string[]; left: number }]>([
  ['a slot comes free', () => ledger.removePod('u0'), { grants: ['u10'], left: WAITING - 3 }],
  ['a node may start more', () => ledger.upsertNode(node(4)), { grants: ['u10', 'u11'], left: WAITING - 4 }],
  ['somebody comes who is next', () => ask(pod(WAITING)), { grants: [], left: WAITING - 1 }],
  ['the next one goes', () => ledger.withdraw('start.u10.1'), { grants: [], left: WAITING - 3 }],
])('decided anew when %s', (_, act, want) => {
  act()
  expect(stepped()).toEqual(want)
})

test('decided anew when a namespace freezes, and when its limit goes', () => {
  ledger.setNamespace('ns50', { maxStarting: 0 })
  const frozen = () => ledger.step(2, 1).waiting.filter(({ cause }) => cause === 'frozen').length
  expect(frozen()).toBe(1)
  ledger.removeNamespace('ns50')
  expect(frozen()).toBe(0)
})

test('decided anew as long as a node is under pressure', () => {
  const reasons = () => ledger.step(2, 1).waiting.filter(({ reason }) => reason.includes('pressure')).length
  overloads.set('n', { resource: 'cpu', percent: 99, maxPercent: 60 })
  expect(reasons()).toBe(WAITING - 2)
  overloads.set('n', undefined)
  expect(reasons()).toBe(0)
})

test('under pressure that stays as it is no limit is looked at again', () => {
  overloads.set('n', { resource: 'cpu', percent: 90, maxPercent: 60 })
  ledger.step(2, 1)
  expect(looks).toBeGreaterThan(0)
  looks = 0
  overloads.set('n', { resource: 'cpu', percent: 93, maxPercent: 60 })
  ledger.step(3, 1)
  expect(looks).toBe(0)
})
