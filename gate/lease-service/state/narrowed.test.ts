import { expect, test } from 'vitest'
import { MAX_NODES, MAX_PODS, MAX_SCOPES } from '../../../core/state-api.ts'
import type { ScopeState, WaitingGate } from '../../../core/state-rows.ts'
import { narrowed } from './narrowed.ts'
import { stateQuery } from './query.ts'
import { createRecent } from './recent.ts'
import type { Snapshot } from './snapshot.ts'

const by = { version: '1.2.3', pod: 'lease-service-0' }

const waiting = (id: string, fields: Partial<WaitingGate> = {}): WaitingGate => ({
  ...{ id, resource: 'start', namespace: 'shop', pod: id, podUid: id, gate: 'startgate-start', containers: ['app'] },
  ...{ slots: 1, node: 'worker-1', place: 1, of: 1, cause: 'full', reason: '', sinceMs: 0, scope: 'cluster' },
  ...fields,
})
const scope = (name: string, fields: Partial<ScopeState> = {}): ScopeState => ({
  ...{ id: `start:${fields.kind ?? 'namespace'}/${name}`, resource: 'start', scope: `namespace/${name}`, name },
  ...{ kind: 'namespace', held: 0, debt: 0, waiting: 0, gates: 0, frozen: false },
  ...fields,
})

function snap(fields: Partial<Snapshot>): Snapshot {
  return {
    ...{ atMs: 5, leader: { term: 1, address: 'a:1', sinceMs: 0 } },
    totals: { pull: { gates: 0, slots: 0 }, start: { gates: 0, slots: 0 } },
    ...{ scopes: [], waiting: [], nodes: [], pods: [], recent: createRecent(() => 0).rows(), nodesOf: new Map() },
    ...fields,
  }
}

const ids = (names: string) => [...names].map(name => waiting(name))
const told = (rows: readonly WaitingGate[], query: string) => {
  const { items, ...rest } = narrowed(snap({ waiting: rows }), stateQuery(query), by).waiting
  return { names: items.map(({ id }) => id).join(''), ...rest }
}

test('a page goes on after the last gate told, also when the line has moved; else as far on as it was', () => {
  const first = told(ids('abcdef'), 'limit=2')
  expect(first).toEqual({ names: 'ab', total: 6, continue: expect.any(String) })
  const next = `limit=2&continue=${first.continue}`
  expect(told(ids('abcdef'), next)).toMatchObject({ names: 'cd', total: 6 })
  expect(told(ids('bcdef'), next).names).toBe('cd')
  expect(told(ids('xyabcdef'), next).names).toBe('cd')
  expect(told(ids('acdef'), next).names).toBe('de')
  expect(told(ids('ab'), next)).toEqual({ names: '', total: 2 })
  expect(told(ids('abc'), 'limit=2&watch')).toEqual({ names: 'ab', total: 3 })
})

test('limits that nobody waits for give way to those that somebody does', () => {
  const many = Array.from({ length: MAX_SCOPES + 5 }, (_, i) => scope(`n${String(i).padStart(5, '0')}`))
  const wanted = scope('z', { gates: 1 })
  const { total, items } = narrowed(snap({ scopes: [...many, wanted] }), stateQuery(''), by).scopes
  expect([total, items.length, items.at(-1)]).toEqual([MAX_SCOPES + 6, MAX_SCOPES, wanted])
  expect(items.slice(0, -1)).toEqual(many.slice(0, MAX_SCOPES - 1))
})

test('no list is longer than it may be', () => {
  const rows = Array.from({ length: 6_000 }, (_, i) => ({ id: String(i), namespace: 'shop', pod: 'a' }))
  const state = narrowed(snap({ nodes: rows as never, pods: rows as never }), stateQuery(''), by)
  expect([state.nodes.items.length, state.pods.items.length]).toEqual([MAX_NODES, MAX_PODS])
  expect([state.nodes.total, state.pods.total]).toEqual([6_000, 6_000])
})

test('of one namespace: its rows, its nodes by rows, pods and slots, what blocks it, and the cluster', () => {
  const node = (id: string) => ({ id }) as never
  const state = narrowed(
    snap({
      waiting: [waiting('a', { scope: 'registry/r' }), waiting('b', { namespace: 'bank', node: 'worker-9' })],
      scopes: [
        scope('cluster', { kind: 'cluster', scope: 'cluster' }),
        scope('worker-1', { kind: 'node', scope: 'node/worker-1' }),
        scope('worker-2', { kind: 'node', scope: 'node/worker-2' }),
        scope('worker-9', { kind: 'node', scope: 'node/worker-9' }),
        scope('r', { kind: 'registry', scope: 'registry/r' }),
        scope('q', { kind: 'registry', scope: 'registry/q' }),
        scope('secret/app:1', { kind: 'image', scope: 'image/q/sha256-0' }),
        scope('shop', { kind: 'namespace-rate', scope: 'rate/namespace/shop' }),
        scope('bank', { kind: 'namespace-on-node', scope: 'namespace/bank/node/worker-9' }),
        scope('bank'),
      ],
      nodes: ['worker-1', 'worker-2', 'worker-3', 'worker-9'].map(node),
      pods: [{ id: 'p', namespace: 'shop', pod: 'p', podUid: 'p', node: 'worker-3', agent: true, containers: [] }],
      nodesOf: new Map([['shop', new Set(['worker-2'])]]),
    }),
    stateQuery('namespace=shop'),
    by,
  )
  const names = ({ items }: { items: readonly { id: string }[] }) => items.map(({ id }) => id)
  expect(names(state.waiting)).toEqual(['a'])
  expect(names(state.nodes)).toEqual(['worker-1', 'worker-2', 'worker-3'])
  expect(state.scopes.items.map(row => row.scope)).toEqual([
    ...['cluster', 'node/worker-1', 'node/worker-2', 'registry/r', 'rate/namespace/shop'],
  ])
  expect(JSON.stringify(state)).not.toMatch(/bank|worker-9|registry\/q|secret/)
})
