import { expect, test } from 'vitest'
import { CLUSTER } from '../limits/scope-ref.ts'
import type { Ticket } from '../model/grant.ts'
import type { Blocked, Obstacle } from './line-up.ts'
import { type OverLimitFacts, OverLimitGrants } from './over-limit-grants.ts'

const SIX_A_MINUTE = { count: 6, periodMs: 60_000 }

function blocked(key: string, fields: { namespace?: string; kind?: Obstacle['kind'] } = {}): Blocked {
  const { namespace = 'shop', kind = 'full' } = fields
  const scope = { ...CLUSTER, limit: 1, subject: 'the cluster', source: '' }
  const ticket = { key, namespace } as Ticket
  return { ticket, obstacle: { kind, scope, inUse: 1, debt: 0 }, place: 1, of: 1, row: undefined }
}

const facts = (fields: Partial<OverLimitFacts> = {}): OverLimitFacts => ({
  floorOf: () => undefined,
  maxWaitMsOf: () => undefined,
  askedAtMs: () => 0,
  withinRatesAtMs: () => 0,
  ...fields,
})
const floor = facts({ floorOf: namespace => (namespace === undefined ? SIX_A_MINUTE : undefined) })

const keysAt = (overLimit: OverLimitGrants, waiting: Blocked[], given: OverLimitFacts, nowMs: number) =>
  overLimit.due(waiting, given, nowMs).map(({ ticket }) => ticket.key)

test('a floor lets the first one go when nothing began for its time, and the next one a time later', () => {
  const overLimit = new OverLimitGrants()
  const waiting = [blocked('a'), blocked('b')]
  expect(keysAt(overLimit, waiting, floor, 0)).toEqual([])
  expect(overLimit.wakeAtMs()).toBe(10_000)
  expect(keysAt(overLimit, waiting, floor, 10_000)).toEqual(['a'])
  overLimit.granted(blocked('a').ticket, 10_000)
  expect(keysAt(overLimit, waiting.slice(1), floor, 10_001)).toEqual([])
  expect(keysAt(overLimit, waiting.slice(1), floor, 20_001)).toEqual(['b'])
})

test('after a pass it is known when the next one is due', () => {
  const overLimit = new OverLimitGrants()
  const waiting = [blocked('a'), blocked('b')]
  keysAt(overLimit, waiting, floor, 0)
  keysAt(overLimit, waiting, floor, 10_000)
  expect(overLimit.wakeAtMs()).toBe(20_000)
  overLimit.granted(blocked('a').ticket, 10_000)
  expect(keysAt(overLimit, waiting.slice(1), floor, 20_000)).toEqual(['b'])
})

test('a start that is granted with room puts the floor off', () => {
  const overLimit = new OverLimitGrants()
  keysAt(overLimit, [blocked('a')], floor, 0)
  overLimit.granted(blocked('z').ticket, 5_000)
  expect(keysAt(overLimit, [blocked('a')], floor, 10_000)).toEqual([])
})

test('a line that was empty meanwhile begins anew: who has just come must wait', () => {
  const overLimit = new OverLimitGrants()
  keysAt(overLimit, [blocked('a')], floor, 0)
  keysAt(overLimit, [], floor, 5_000)
  expect(keysAt(overLimit, [blocked('b')], floor, 60_000)).toEqual([])
})

test('0 freezes: it beats the floor and a maximum wait', () => {
  const overLimit = new OverLimitGrants()
  const both = { ...floor, maxWaitMsOf: () => 1_000 }
  keysAt(overLimit, [blocked('a', { kind: 'frozen' })], both, 0)
  expect(keysAt(overLimit, [blocked('a', { kind: 'frozen' })], both, 3_600_000)).toEqual([])
})

test('a ceiling counts for those who pass, too', () => {
  const overLimit = new OverLimitGrants()
  const slow = { ...floor, maxWaitMsOf: () => 1_000, withinRatesAtMs: () => 9_999_999 }
  keysAt(overLimit, [blocked('a')], slow, 0)
  expect(keysAt(overLimit, [blocked('a')], slow, 3_600_000)).toEqual([])
})

test('a namespace with a floor does not lift the others', () => {
  const overLimit = new OverLimitGrants()
  const ours = facts({ floorOf: namespace => (namespace === 'b' ? SIX_A_MINUTE : undefined) })
  const waiting = [blocked('a'), blocked('b', { namespace: 'b' })]
  keysAt(overLimit, waiting, ours, 0)
  expect(keysAt(overLimit, waiting, ours, 10_000)).toEqual(['b'])
})

test('after the maximum wait pods pass one a second', () => {
  const overLimit = new OverLimitGrants()
  const given = facts({ maxWaitMsOf: () => 60_000 })
  const waiting = ['a', 'b', 'c'].map(key => blocked(key))
  expect(keysAt(overLimit, waiting, given, 59_999)).toEqual([])
  expect(overLimit.wakeAtMs()).toBe(60_000)
  expect(keysAt(overLimit, waiting, given, 60_000)).toEqual(['a'])
  expect(keysAt(overLimit, waiting.slice(1), given, 60_999)).toEqual([])
  expect(keysAt(overLimit, waiting.slice(1), given, 61_000)).toEqual(['b'])
})
