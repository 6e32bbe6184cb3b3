import { expect, test } from 'vitest'
import type { State } from '../../core/state-api.ts'
import type { NodeState, ScopeState, WaitingGate } from '../../core/state-rows.ts'
import { plain } from '../output/paint.ts'
import { statusText, topText } from './status-text.ts'

const AT_MS = 1_700_000_000_000
const none = { total: 0, items: [] }
const rows = <R>(...items: R[]) => ({ total: items.length, items })
const state = (changes: Partial<State> = {}): State => ({
  apiVersion: 'state.startgate.dev/v1',
  kind: 'State',
  atMs: AT_MS,
  service: { version: '0.1.0', leader: { pod: 'lease-0', address: 'a' }, term: 3, sinceMs: AT_MS - 7_260_000 },
  totals: { pull: { gates: 0, slots: 0 }, start: { gates: 2, slots: 3, sinceMs: AT_MS - 95_000 } },
  scopes: none,
  waiting: none,
  nodes: none,
  pods: none,
  recent: { grants: none, releases: none, timeouts: none, failOpens: none },
  ...changes,
})
const scope = (name: string, changes: Partial<ScopeState> = {}): ScopeState => ({
  ...{ id: `start:${name}`, resource: 'start', scope: name, kind: 'node', name },
  ...{ held: 1, limit: 2, debt: 0, waiting: 0, gates: 0, frozen: false },
  ...changes,
})
const gate = (pod: string, changes: Partial<WaitingGate> = {}): WaitingGate => ({
  ...{ id: pod, resource: 'start', namespace: 'shop', pod, podUid: pod, gate: 'startgate-start', containers: ['web'] },
  ...{ slots: 1, node: 'worker-1', place: 1, of: 2, cause: 'full', reason: 'start: full', sinceMs: AT_MS - 5_000 },
  ...changes,
})
const OPTIONS = { paint: plain, rows: 20 }

test('where nobody waits and nothing is used', () => {
  const totals = { pull: { gates: 0, slots: 0 }, start: { gates: 0, slots: 0 } }
  expect(statusText(state({ totals }), OPTIONS)).toBe(`startgate 0.1.0, lease-0 leads for 2 h 1 min (term 3)
start: nobody waits
pull:  nobody waits

No limit is used or waited for.
`)
})

test('what a pod says of itself makes up no line', () => {
  const failOpens = rows({
    ...{ id: '1', atMs: AT_MS, namespace: 'shop', pod: 'p', gate: 'g', waitedMs: 1 },
    reason: 'x\n0 s ago   bank/y startgate-start   granted after 1 s',
  })
  const text = topText(state({ recent: { grants: none, releases: none, timeouts: none, failOpens } }), OPTIONS)
  expect(text).toMatch(/failed open: x 0 s ago/)
})

test('an image is told by its name, and not by the digest that stands for it', () => {
  const image = scope('image/ghcr.io/sha256-0123', { resource: 'pull', kind: 'image', name: 'ghcr.io/app:1' })
  expect(statusText(state({ scopes: rows(image) }), OPTIONS)).toMatch(/^pull +image\/ghcr\.io\/app:1 /m)
})

test('limits: those waited for first, with debt, rates and freezes; and the line', () => {
  const scopes = rows(
    scope('cluster', { kind: 'cluster', held: 3, limit: 4, debt: 1 }),
    scope('namespace/shop', {
      limit: 0,
      frozen: true,
      gates: 2,
      source: 'startgate.dev/max-starting: 0 on namespace shop',
    }),
    scope('rate/cluster', { kind: 'cluster-rate', limit: 10, windowMs: 1_000 }),
  )
  const waiting = rows(gate('a', { estimateMs: 61_000 }), gate('b', { place: 2, slots: 2 }))
  expect(statusText(state({ scopes, waiting }), OPTIONS)).toBe(
    `startgate 0.1.0, lease-0 leads for 2 h 1 min (term 3)
start: 2 gates wait for 3 slots, the longest for 1 min 35 s
pull:  nobody waits

SLOTS   OF               HELD   LIMIT       WAITING   WRITTEN IN
start   namespace/shop   1      frozen      2         startgate.dev/max-starting: 0 on namespace shop
start   cluster          3+1    4           0
start   rate/cluster     1      10 in 1 s   0

PLACE   POD      GATE              NEEDS     WAITS   ESTIMATE     FOR
1/2     shop/a   startgate-start   1 start   5 s     ~1 min 1 s   start: full
2/2     shop/b   startgate-start   2 start   5 s     -            start: full
`,
  )
})

test('no table is longer than asked for, and the rest is counted', () => {
  const items = Array.from({ length: 1_000 }, (_, i) => gate(`p${i}`))
  const text = statusText(state({ waiting: { total: 10_000, items } }), { ...OPTIONS, rows: 3 })
  expect(text).toMatch(/shop\/p2 .*\nand 9997 more gates\n$/)
  expect(text.split('\n').length).toBeLessThan(15)
})

test('names of others make no terminal do anything', () => {
  const text = statusText(state({ waiting: rows(gate('a\u001b[2J', { reason: 'x\u0007\u202ey' })) }), OPTIONS)
  expect(text).toContain('shop/a?[2J')
  expect(text).toMatch(/x\?\?y\n$/)
})

test('top shows nodes and what was lately, the newest first', () => {
  const node: NodeState = {
    id: 'worker-1',
    start: { held: 2, debt: 1, limit: 2, waiting: 4 },
    pull: { held: 0, debt: 0, waiting: 0 },
    cores: 4,
    lost: false,
    heldBack: true,
    pressure: { cpu: 91.4 },
    auto: '3 now, CPU 96 % busy',
  }
  const entry = (id: string, ago: number) => ({
    id,
    atMs: AT_MS - ago,
    namespace: 'shop',
    pod: `p${id}`,
    gate: 'startgate-start',
  })
  const recent = {
    grants: rows({
      ...entry('1', 3_000),
      resource: 'start' as const,
      node: 'n',
      containers: [],
      slots: 1,
      waitedMs: 2_000,
    }),
    releases: none,
    timeouts: rows({ ...entry('2', 2_000), resource: 'start' as const, node: 'n', container: 'web', timeoutMs: 1 }),
    failOpens: rows({ ...entry('3', 1_000), waitedMs: 1, reason: 'no contact' }),
  }
  const text = topText(state({ nodes: rows(node), recent }), OPTIONS)
  expect(text).toMatch(/worker-1 +2\+1\/2 +4 +0\/- +0 +4 +held back, cpu 91 %, auto: 3 now, CPU 96 % busy\n/)
  expect(text).toMatch(
    /LATELY\n1 s ago +shop\/p3 .*failed open: no contact\n2 s ago .*web timed out\n3 s ago .*granted after 2 s\n$/,
  )
})
