import { describe, expect, test } from 'vitest'
import { AT_MS, madeGate, madeGrant, madeNodeState, madeScope, madeState } from '../../testing/made-state.ts'
import { type Connection, connectionAfter, connectionWords } from './connection.ts'
import { layout, NODE_WIDTH } from './graph.ts'
import { lineOf, lineRow, MOST_CHOICES, scopeOfLine } from './line.ts'
import { type NodeFilter, nodesOf, tileOf } from './nodes.ts'
import { overviewOf } from './overview.ts'
import { routeOf } from './route.ts'
import { lanesOfGates, timelineOf } from './timeline.ts'

describe('line', () => {
  const state = madeState({
    scopes: [
      madeScope('node/worker-1', { gates: 2, waiting: 2 }),
      madeScope('namespace/shop', { kind: 'namespace', gates: 5, waiting: 5 }),
      madeScope('namespace/ops', { kind: 'namespace', frozen: true, limit: 0 }),
      madeScope('node/idle'),
    ],
    waiting: [
      madeGate('a'),
      madeGate('b', { place: 2, of: 2, node: 'worker-9' }),
      madeGate('c', { cause: 'order', reason: 'after deployment/db' }),
    ].map(({ scope, ...gate }) => (gate.cause === 'order' ? gate : { ...gate, ...(scope && { scope }) })),
  })

  test('the longest lines first, the frozen ones with nobody in them too, then what waits for no slot', () => {
    expect(lineOf(state, 'all', '').choices.map(({ id, gates }) => [id, gates])).toEqual([
      ['all', 3],
      ['start:namespace/shop', 5],
      ['start:node/worker-1', 2],
      ['start:namespace/ops', 0],
      ['other', 1],
    ])
  })

  test('of one line its rows, with place, reason without the resource, wait and estimate', () => {
    const { rows, chosen, scope } = lineOf(state, 'start:node/worker-1', '')
    expect([chosen.title, scope?.limit, rows.map(row => row.pod)]).toEqual(['Starting, node worker-1', 2, ['a', 'b']])
    expect(rows.map(row => lineRow(row, AT_MS))[0]).toMatchObject({
      place: '1 of 1',
      reason: 'full; next in line',
      waits: '30 s',
      estimate: 'about 10 s',
    })
  })

  test('what waits for no slot stands in no place', () => {
    expect(lineOf(state, 'other', '').rows.map(row => [row.pod, lineRow(row, AT_MS).place])).toEqual([['c', '–']])
  })

  test('a filter takes parts of the pod’s, the namespace’s and the node’s name', () => {
    expect(lineOf(state, 'all', 'WORKER-9').rows.map(row => row.pod)).toEqual(['b'])
    expect(lineOf(state, 'all', 'shop/a').rows.map(row => row.pod)).toEqual(['a'])
  })

  test('an empty line that is shown stays among the choices; one that does not exist is all of them', () => {
    expect(lineOf(state, 'start:node/idle', '').choices.at(-1)?.id).toBe('start:node/idle')
    expect(lineOf(state, 'start:node/none', '').chosen.id).toBe('all')
  })

  test('of thousands of lines the longest are listed, and the one that is shown', () => {
    const scopes = Array.from({ length: 2_000 }, (_, i) => madeScope(`node/n-${i}`, { gates: 2_000 - i }))
    const { choices, moreChoices } = lineOf(madeState({ scopes }), 'start:node/n-1500', '')
    expect([choices.length, moreChoices, choices.at(-1)?.id]).toEqual([MOST_CHOICES + 1, 1_901, 'start:node/n-1500'])
  })

  test('the leader is asked for a line of which not all was told', () => {
    expect(scopeOfLine(state, 'start:namespace/shop')).toBe('namespace/shop')
    expect(scopeOfLine(state, 'start:node/worker-1')).toBeUndefined()
    expect(lineOf(state, 'start:namespace/shop', '').total).toBe(5)
  })
})

describe('nodes', () => {
  const state = madeState({
    nodes: [
      madeNodeState('worker-10', { held: 1, debt: 1, waiting: 3 }),
      { ...madeNodeState('worker-2'), lost: true },
      { ...madeNodeState('worker-1'), heldBack: true, pressure: { cpu: 71.6 } },
      madeNodeState('big', { limit: 100, held: 25 }),
    ],
  })

  test('in the order of their numbers, with a mark a slot or a bar', () => {
    const tiles = nodesOf(state, 'all', '').nodes.map(tileOf)
    expect(tiles.map(({ name }) => name)).toEqual(['big', 'worker-1', 'worker-2', 'worker-10'])
    expect(tiles[3]?.start).toMatchObject({ pips: ['held', 'debt', 'free', 'free'], words: '2 of 4, 3 waiting' })
    expect([tiles[0]?.start.pips, tiles[0]?.start.used]).toEqual([undefined, 0.25])
    expect(tiles[1]).toMatchObject({ pressure: [{ resource: 'cpu', percent: 72 }], trouble: { word: 'held back' } })
  })

  test('filters', () => {
    const names = (filter: NodeFilter) => nodesOf(state, filter, '').nodes.map(({ id }) => id)
    expect(names('busy')).toEqual(['big', 'worker-10'])
    expect(names('trouble')).toEqual(['worker-1', 'worker-2'])
    expect(nodesOf(state, 'all', 'worker-1').counts).toEqual({ all: 2, busy: 1, trouble: 1 })
  })
})

test('overview: what is held, who waits longest, and what somebody should look at', () => {
  const base = madeState({
    nodes: [madeNodeState('worker-1', { held: 3 }), { ...madeNodeState('worker-2'), lost: true }],
    scopes: [madeScope('namespace/ops', { kind: 'namespace', frozen: true, limit: 0, source: 'max-starting: 0' })],
    grants: [madeGrant(1, { atMs: AT_MS - 2_000 })],
  })
  const failOpen = {
    id: '1',
    atMs: AT_MS - 1_000,
    namespace: 'shop',
    pod: 'x',
    gate: 'startgate-start',
    waitedMs: 60_000,
    reason: 'no contact\u202e',
  }
  const state = {
    ...base,
    totals: { ...base.totals, start: { gates: 2, slots: 3, sinceMs: AT_MS - 90_000 } },
    recent: { ...base.recent, failOpens: { total: 1, items: [failOpen] } },
  }
  const { resources, notices, lately } = overviewOf(state, AT_MS)
  expect(resources[0]).toMatchObject({
    resource: 'start',
    held: 3,
    limit: 4,
    gates: 2,
    slots: 3,
    longest: '1 min 30 s',
  })
  expect(notices.map(({ tone, id }) => [tone, id])).toEqual([
    ['bad', 'fail-open'],
    ['bad', 'lost'],
    ['warn', 'frozen'],
  ])
  expect(lately.map(({ kind, detail }) => [kind, detail])).toEqual([
    ['failed open', 'no contact?'],
    ['granted', 'may start after 5 s'],
  ])
  // Ten minutes later it is no news.
  expect(overviewOf(state, AT_MS + 700_000).notices.map(({ id }) => id)).toEqual(['lost', 'frozen'])
})

describe('graph', () => {
  const edge = (from: string, to: string) => ({ from, to, condition: 'ready', isMet: false })

  test('whoever waits is to the right of all it waits for', () => {
    const { nodes, paths } = layout(
      ['a', 'b', 'c', 'd'],
      [edge('a', 'b'), edge('b', 'd'), edge('a', 'd'), edge('c', 'd')],
    )
    const x = Object.fromEntries(nodes.map(node => [node.name, node.x]))
    expect(x.a).toBe(x.c)
    expect([x.b, x.d]).toEqual([Number(x.a) + NODE_WIDTH + 76, Number(x.a) + 2 * (NODE_WIDTH + 76)])
    expect(paths).toHaveLength(4)
    expect(new Set(nodes.map(node => `${node.x} ${node.y}`)).size).toBe(4)
  })

  test('a circle, or a name that is not there, does no harm', () => {
    expect(layout(['a', 'b'], [edge('a', 'b'), edge('b', 'a'), edge('a', 'z'), edge('y', 'a')]).nodes).toHaveLength(2)
    expect(layout([], [])).toMatchObject({ nodes: [], paths: [] })
  })
})

test('timeline of a plain pod: how long its gate waited and its slots were held, in percent of the whole', () => {
  const grant = madeGrant(1, { pod: 'x', atMs: AT_MS - 6_000, waitedMs: 4_000 })
  const lanes = lanesOfGates(madeState({ grants: [grant] }), row => row.pod === 'x')
  const timeline = timelineOf(lanes, AT_MS)
  expect(timeline?.lanes[0]?.bars.map(({ phase, left, width }) => [phase, left, width])).toEqual([
    ['pending', 0, 40],
    ['starting', 40, 60],
  ])
  expect(timeline?.marks.map(({ afterMs }) => afterMs)).toEqual([0, 2_000, 4_000, 6_000, 8_000])
  expect(timelineOf([], AT_MS)).toBeUndefined()
})

test('connection: trouble keeps its beginning, the program’s absence beats it, and what is told mends all', () => {
  const away = connectionAfter({ kind: 'live' }, { kind: 'away', atMs: 5 })
  expect(connectionAfter(away, { kind: 'away', atMs: 9 })).toBe(away)
  const trouble = connectionAfter(away, { kind: 'trouble', sentence: 'no leader', atMs: 7 })
  expect(connectionAfter(trouble, { kind: 'trouble', sentence: 'still none', atMs: 8 })).toEqual({
    ...{ kind: 'trouble', sentence: 'still none', sinceMs: 7 },
  })
  expect(connectionAfter(trouble, { kind: 'told' })).toEqual({ kind: 'live' })
  const words = (connection: Connection) => connectionWords(connection)?.text
  expect(words({ kind: 'live' })).toBeUndefined()
  expect(words(connectionAfter(trouble, { kind: 'refused', sentence: 'not found' }))).toBe('not found')
})

test.each([
  ['', { screen: 'overview' }],
  ['#/nonsense', { screen: 'overview' }],
  ['#/line', { screen: 'line', line: 'all' }],
  ['#/line/start%3Anamespace%2Fshop', { screen: 'line', line: 'start:namespace/shop' }],
  ['#/nodes/busy', { screen: 'nodes', filter: 'busy' }],
  ['#/nodes/x', { screen: 'nodes', filter: 'all' }],
  ['#/pods/shop/web-0', { screen: 'pod', namespace: 'shop', pod: 'web-0' }],
  ['#/pods/%zz', { screen: 'pods' }],
])('route %s', (hash, want) => {
  expect(routeOf(hash)).toEqual(want)
})
