import { beforeEach, expect, test } from 'vitest'
import { madeNamespace, madePod } from '../testing/made-pods.ts'
import { madeService } from '../testing/made-service.ts'
import type { EventInput } from './event-reporter.ts'
import { FreezeChanges } from './freeze-changes.ts'

const BEGAN = Date.parse('2026-06-01T12:00:00Z')
let events: EventInput[]
let changes: FreezeChanges
beforeEach(() => {
  events = []
  changes = new FreezeChanges(event => void events.push(event), BEGAN)
})
const told = () => events.map(e => `${e.type} ${e.regarding.kind} ${e.regarding.name} ${e.reason}: ${e.note}`)
const shown = (name: string, frozen?: string, isCluster = false) =>
  changes.shown({ namespace: { metadata: { name, uid: `uid-${name}` } }, frozen, isCluster })
const ALICE = 'alice 2026-06-01T12:05:00Z: the registry is down'

test('a freeze and its end are told once each, with who, when and why', () => {
  for (const frozen of [undefined, ALICE, ALICE, undefined, undefined]) shown('shop', frozen)
  expect(told()).toEqual([
    `Warning Namespace shop StartgateFrozen: this namespace is frozen by ${ALICE}: no container starts and no image is pulled until kubectl startgate resume -n shop`,
    `Normal Namespace shop StartgateResumed: this namespace goes on; it was frozen by ${ALICE}`,
  ])
  expect(events[0]?.regarding.uid).toBe('uid-shop')
})

test('who freezes anew is told, too; of the cluster it says so', () => {
  shown('startgate-system', undefined, true)
  shown('startgate-system', ALICE, true)
  shown('startgate-system', 'bob', true)
  expect(told().map(line => line.split(': ')[1])).toEqual([
    `the cluster is frozen by ${ALICE.split(': ')[0]}`,
    'the cluster is frozen by bob',
  ])
  expect(events[1]?.note).toContain('kubectl startgate resume --cluster')
})

const firsts: Record<string, { frozen: string; want: number }> = {
  'since before the term': { frozen: 'alice 2026-06-01T11:59:00Z', want: 0 },
  'while nobody led': { frozen: 'alice 2026-06-01T11:59:55Z', want: 1 },
  'by hand, without a time': { frozen: 'because', want: 0 },
  'with a time that is none': { frozen: 'alice 2026-99-99T99:99:99Z', want: 0 },
}
test.each(Object.entries(firsts))('a new leader finds a namespace frozen %s', (_, { frozen, want }) => {
  shown('shop', frozen)
  expect(events.length).toBe(want)
  shown('shop')
  expect(events.at(-1)?.reason).toBe('StartgateResumed')
})

test('of a namespace that is gone nothing is kept', () => {
  shown('shop', 'bob')
  changes.gone('shop')
  shown('shop')
  expect(events).toEqual([])
})

test('the leader tells it, and another term does not tell it again', async () => {
  const { service, events: all } = madeService([madePod('a')])
  const news = () => all.filter(e => e.reason.startsWith('StartgateFroz') || e.reason === 'StartgateResumed')
  service.namespaceChanged(madeNamespace({}))
  await service.startLeading(1)
  service.namespaceChanged(madeNamespace({ 'startgate.dev/frozen': 'alice' }))
  expect(news().map(e => e.reason)).toEqual(['StartgateFrozen'])
  service.stopLeading()
  await service.startLeading(2)
  expect(news()).toHaveLength(1)
  service.namespaceChanged(madeNamespace({ 'startgate.dev/frozen': 'alice', 'startgate.dev/mode': 'observe' }))
  expect(news().map(e => e.reason)).toEqual(['StartgateFrozen', 'StartgateResumed'])
})
