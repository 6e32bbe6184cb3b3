import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { State } from '../../../core/state-api.ts'
import { applyChanges, compareIds, compareNumbers, compareWaiting } from '../../../core/state-changes.ts'
import type { NodeState, RecentNews, Rows, ScopeState, WaitingGate } from '../../../core/state-rows.ts'
import { changesBetween } from './changes.ts'
import { shared } from './shared-rows.ts'

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const small = fc.integer({ min: 0, max: 2 })

function rows<R extends { id: string }>(row: fc.Arbitrary<R>, compare: (a: R, b: R) => number): fc.Arbitrary<Rows<R>> {
  return fc
    .record({ total: small, items: fc.uniqueArray(row, { selector: ({ id }) => id }) })
    .map(({ total, items }) => ({ total, items: items.sort(compare) }))
}

const gate = fc.record(
  { id: ids, place: small, resource: fc.constantFrom('pull', 'start'), scope: ids, estimateMs: small },
  { requiredKeys: ['id', 'place', 'resource'] },
) as fc.Arbitrary<WaitingGate>
const scope = fc.record(
  { id: ids, held: small, limit: small },
  { requiredKeys: ['id', 'held'] },
) as fc.Arbitrary<ScopeState>
const slots = fc.record({ held: small, debt: small, waiting: small })
const node: fc.Arbitrary<NodeState> = fc.record({
  id: ids,
  pull: slots,
  start: slots,
  cores: small,
  lost: fc.boolean(),
})
const pod = fc.record({ id: ids, containers: fc.array(fc.record({ name: ids, blocks: fc.array(ids) })) })
const entries = rows(fc.record({ id: small.map(String), waitedMs: small }), compareNumbers)
const totals = fc.record({ gates: small, slots: small })
const fields = fc.record({
  atMs: fc.nat(),
  service: fc.record({ term: small }),
  totals: fc.record({ pull: totals, start: totals }),
  scopes: rows(scope, compareIds),
  waiting: rows(gate, compareWaiting),
  nodes: rows(node, compareIds),
  pods: rows(pod, compareIds),
  recent: fc.record({ grants: entries, releases: entries, timeouts: entries, failOpens: entries }),
})
// As JSON gives them: plain objects.
const state = fields.map(each => structuredClone(each) as unknown as State)

test('what changed, applied to the state before, is the state after', () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const changes = changesBetween(before, after)
      expect(changes ? applyChanges(before, changes) : { ...before, atMs: after.atMs }).toEqual(after)
    }),
    { numRuns: 500 },
  )
})

test('nothing is told twice: of the same state there are no changes, and a row that stayed is not in them', () => {
  fc.assert(
    fc.property(state, fc.nat(), (before, atMs) => {
      expect(changesBetween(before, { ...structuredClone(before), atMs })).toBeUndefined()
    }),
  )
  fc.assert(
    fc.property(state, state, (before, after) => {
      const changes = changesBetween(before, after)
      for (const row of changes?.nodes?.set ?? []) expect(before.nodes.items).not.toContainEqual(row)
      for (const row of changes?.pods?.set ?? []) expect(before.pods.items).not.toContainEqual(row)
    }),
  )
})

test('rows that stayed as they were are the same objects, and none is another', () => {
  fc.assert(
    fc.property(rows(node, compareIds), rows(node, compareIds), (before, after) => {
      const mixed = shared(before.items, after.items)
      expect(mixed).toEqual(after.items)
      for (const row of mixed) {
        const former = before.items.find(({ id }) => id === row.id)
        if (former && JSON.stringify(former) === JSON.stringify(row)) expect(row).toBe(former)
      }
    }),
  )
})

test('rings that move on: what fell out is gone, what came is set, in the order of their numbers', () => {
  const ring = (from: number, to: number) =>
    ({
      total: to,
      items: Array.from({ length: to - from + 1 }, (_, i) => ({ id: String(from + i) })),
    }) as unknown as RecentNews['grants']
  const empty = ring(1, 0)
  const recent = (grants: RecentNews['grants']) =>
    ({ grants, releases: empty, timeouts: empty, failOpens: empty }) as unknown as RecentNews
  const at = (news: RecentNews) => ({ ...fc.sample(state, { numRuns: 1, seed: 1 })[0], recent: news }) as State
  const [before, after] = [at(recent(ring(8, 10))), at(recent(ring(9, 11)))]
  const changes = changesBetween(before, after)
  expect(changes?.recent).toEqual({ grants: { total: 11, set: [{ id: '11' }], gone: ['8'] } })
  expect(changes && applyChanges(before, changes).recent.grants.items.map(({ id }) => id)).toEqual(['9', '10', '11'])
})
