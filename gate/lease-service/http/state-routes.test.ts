import { once } from 'node:events'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { Pod } from '../../../core/pod.ts'
import { KEEP_ALIVE_MS, type State, type StateChanges } from '../../../core/state-api.ts'
import { applyChanges } from '../../../core/state-changes.ts'
import type { Replica } from '../leader/replica.ts'
import { madeNamespace, madePod, madeReadyPod } from '../testing/made-pods.ts'
import { quiet } from '../testing/made-service.ts'
import { eventsIn, madeStateServer } from '../testing/made-state-server.ts'
import { MOST_WATCHERS } from './state-watchers.ts'

/** What comes over a socket may take a while on a busy machine. */
const PATIENCE = { timeout: 20_000 }

const inNamespace = (namespace: string, name: string, nodeName = 'worker-1'): Pod => {
  const pod = madePod(name)
  return { ...pod, metadata: { ...pod.metadata, namespace }, spec: { ...pod.spec, nodeName } }
}

/** One slot on each node: `a` has that of worker-1, `b` and `c` wait for it; the bank's `d` has that of worker-2. */
async function led() {
  const pods = [madePod('a'), madePod('b'), madePod('c'), inNamespace('bank', 'd', 'worker-2')]
  pods.push(inNamespace('bank', 'e', 'worker-2'))
  const made = await madeStateServer(pods)
  made.service.namespaceChanged(madeNamespace({ 'startgate.dev/max-starting': '5' }))
  await made.service.startLeading(7)
  for (const name of ['a', 'b', 'c', 'd', 'e']) await made.ask(name)
  await quiet()
  return made
}

test('the state tells who leads, who waits for what, and what is used', async () => {
  const { read } = await led()
  const { status, body } = (await read()) as { status: number; body: State }
  expect(status).toBe(200)
  expect(body.service).toEqual({
    version: '1.2.3',
    leader: { pod: 'lease-service-0', address: '192.0.2.1:8443' },
    term: 7,
    sinceMs: 1_700_000_001_000,
  })
  expect(body.totals).toEqual({
    pull: { gates: 0, slots: 0 },
    start: { gates: 3, slots: 3, sinceMs: 1_700_000_001_000 },
  })
  const row = body.waiting.items.find(({ pod }) => pod === 'c')
  expect(row).toMatchObject({
    ...{ id: 'start.c.1', resource: 'start', namespace: 'shop', podUid: 'c', gate: 'startgate-start', slots: 1 },
    ...{ node: 'worker-1', place: 2, of: 2, cause: 'full', scope: 'node/worker-1', containers: ['app'] },
    reason: 'start: node worker-1 has 1 of 1 slots in use; 2nd in line',
  })
  expect(body.scopes.items.find(({ id }) => id === 'start:node/worker-1')).toEqual({
    ...{ id: 'start:node/worker-1', resource: 'start', scope: 'node/worker-1', kind: 'node', name: 'worker-1' },
    ...{ held: 1, limit: 1, source: "limits.node.maxStarting: 1 in the chart's values", debt: 0 },
    ...{ waiting: 2, gates: 2, frozen: false },
  })
  expect(body.scopes.items.find(({ id }) => id === 'start:namespace/shop')).toMatchObject({
    ...{ limit: 5, source: 'startgate.dev/max-starting: 5 on namespace shop', held: 1, frozen: false },
  })
  expect(body.nodes.items).toEqual([
    {
      ...{ id: 'worker-1', cores: 2, lost: false },
      pull: { held: 0, debt: 0, limit: 1, waiting: 0 },
      start: { held: 1, debt: 0, limit: 1, waiting: 2 },
    },
  ])
  expect(body.recent.grants.items.map(({ pod }) => pod)).toEqual(['a', 'd'])
})

test('with the right in one namespace others are numbers', async () => {
  const { read } = await led()
  expect((await read('', 'shop')).status).toBe(403)
  const { status, body } = await read('?namespace=shop', 'shop')
  expect(status).toBe(200)
  expect(body).toMatchObject({ namespace: 'shop', totals: { start: { gates: 3 } } })
  expect(body.waiting.items.map(({ pod }: { pod: string }) => pod)).toEqual(['b', 'c'])
  const scopes = ['pull:cluster', 'start:cluster', 'start:namespace/shop', 'start:node/worker-1']
  expect(body.scopes.items.map(({ id }: { id: string }) => id)).toEqual(scopes)
  expect(JSON.stringify(body)).not.toMatch(/bank|worker-2|"[de]"/)
  expect(body.recent.grants).toMatchObject({ total: 2, items: [{ pod: 'a' }] })
})

test('who may not read is told what is missing, and nothing else', async () => {
  const { read, access } = await led()
  expect(await read('', '')).toMatchObject({ status: 401, body: { code: 'TOKEN_MISSING' } })
  expect(await read('', 'made-up')).toMatchObject({ status: 401, body: { code: 'TOKEN_INVALID' } })
  expect(await read('', 'shop')).toEqual({
    status: 403,
    body: {
      code: 'FORBIDDEN',
      message:
        "this token's user may not get queues.startgate.dev in all namespaces; bind the ClusterRole startgate-viewer to it, or ask with namespace=NAME for one where it may",
    },
  })
  expect(await read('?namespace=bank', 'shop')).toMatchObject({
    status: 403,
    body: { message: expect.stringContaining('in namespace bank; bind the ClusterRole startgate-viewer to it there') },
  })
  access.fails = true
  expect(await read('?namespace=x', 'all')).toMatchObject({ status: 503, body: { code: 'NOT_REVIEWED' } })
})

test('a question that means nothing is refused before anybody is asked', async () => {
  const { read, access, open } = await led()
  const before = access.reviewed
  for (const query of [
    '?limit=0',
    '?limit=1001',
    '?namespace=A',
    '?pod=b',
    '?continue=x',
    '?x=1',
    '?watch&continue=MSBh',
  ])
    expect(await read(query)).toMatchObject({ status: 400, body: { code: 'BAD_QUERY' } })
  expect(await read(`?namespace=${'a'.repeat(3_000)}`)).toMatchObject({ status: 400 })
  expect(access.reviewed).toBe(before)
  expect((await open('/v1/state/x')).status).toBe(404)
  expect((await open('/metrics')).status).toBe(200)
})

test('a follower says who leads, and where none does, that none does', async () => {
  const { read, world, service } = await madeStateServer([madePod('a')])
  world.isLeader = false
  expect(await read()).toMatchObject({ status: 503, body: { code: 'NO_LEADER' } })
  world.leader = { address: '192.0.2.9:8443', term: 4 }
  expect(await read()).toEqual({
    status: 421,
    body: {
      code: 'NOT_LEADER',
      message: 'this replica does not lead, the one at 192.0.2.9:8443 does; ask there',
      leader: { address: '192.0.2.9:8443', term: 4 },
    },
  })
  expect(await read('?watch')).toMatchObject({ status: 421 })
  expect(service.isLeading).toBe(false)
})

test('pages go on after the last gate that was told, and end', async () => {
  const { read } = await led()
  const first = (await read('?limit=1')).body.waiting
  const second = (await read(`?limit=1&continue=${first.continue}`)).body.waiting
  const third = (await read(`?limit=1&continue=${second.continue}`)).body.waiting
  const pods = [first, second, third].map(({ items }) => items[0].pod)
  expect(pods.toSorted()).toEqual(['b', 'c', 'e'])
  expect([first.total, third.continue]).toEqual([3, undefined])
})

test('one pod, one scope: their gates only', async () => {
  const { read } = await led()
  const pods = async (query: string) => (await read(query)).body.waiting.items.map((row: { pod: string }) => row.pod)
  expect(await pods('?namespace=shop&pod=c')).toEqual(['c'])
  expect(await pods('?scope=node/worker-2')).toEqual(['e'])
  expect(await pods('?scope=node/worker-1&namespace=bank')).toEqual([])
})

test('a watch tells all at first and then what changed, which makes the same; nothing when nothing did', async () => {
  const { open, passes, service, read } = await led()
  const { status, text, answer } = await open('/v1/state?watch')
  expect([status, answer.headers['content-type']]).toEqual([200, 'text/event-stream'])
  await passes()
  await passes()
  expect(eventsIn(text()).map(({ event }) => event)).toEqual(['state'])
  service.podChanged(madeReadyPod('a'))
  await quiet()
  await passes()
  await expect.poll(() => eventsIn(text()), PATIENCE).toHaveLength(2)
  const [state, changes] = eventsIn(text()).map(({ data }) => data) as [State, StateChanges]
  expect(changes.waiting).toMatchObject({ gone: ['start.b.1'], total: 2 })
  expect(changes.waiting?.set?.find(({ pod }) => pod === 'c')).toMatchObject({ place: 1, of: 1, estimateMs: 2_000 })
  expect(changes.nodes).not.toHaveProperty('total')
  expect(changes).not.toHaveProperty('service')
  expect({ ...applyChanges(state, changes), atMs: 0 }).toEqual({ ...(await read()).body, atMs: 0 })
})

test('a silent watch is kept alive, and ends with its right, its leader, or its place', async () => {
  const { open, passes, access, service } = await led()
  const [all, shop] = [await open('/v1/state?watch'), await open('/v1/state?watch&namespace=shop', 'shop')]
  for (let second = 0; second * 1_000 < KEEP_ALIVE_MS; second++) await passes()
  await expect.poll(() => all.text().split(': keep-alive\n\n').length - 1, PATIENCE).toBe(1)
  access.revoked.add('shop')
  for (let second = 0; second < 62; second++) await passes()
  await shop.ended
  expect(eventsIn(shop.text()).at(-1)).toMatchObject({ event: 'end', data: { code: 'FORBIDDEN' } })
  service.stopLeading()
  await passes()
  await all.ended
  expect(eventsIn(all.text()).at(-1)).toMatchObject({ event: 'end', data: { code: 'NO_LEADER' } })
})

test('there are so many watches and no more; one who has most of them gives one to who has none', async () => {
  const { open, read } = await led()
  const watches = []
  for (let i = 0; i < MOST_WATCHERS; i++) watches.push(await open('/v1/state?watch'))
  expect(await read('?watch')).toMatchObject({ status: 429, body: { code: 'TOO_MANY_WATCHERS' } })
  expect((await read()).status).toBe(200)
  const other = await open('/v1/state?watch&namespace=shop', 'shop')
  expect(other.status).toBe(200)
  await watches[0]?.ended
  expect(eventsIn(watches[0]?.text() ?? '').at(-1)).toMatchObject({ event: 'end' })
  expect(await read('?watch')).toMatchObject({ status: 429 })
})

test('a reader is a user, however many tokens it shows', async () => {
  const { open, read } = await led()
  const watches = []
  for (let i = 0; i < MOST_WATCHERS; i++) watches.push(await open('/v1/state?watch', `all/${i}`))
  expect(await read('?watch', 'all/new')).toMatchObject({ status: 429, body: { code: 'TOO_MANY_WATCHERS' } })
  expect((await open('/v1/state?watch', 'auditor/1')).status).toBe(200)
  await watches[0]?.ended
  expect((await open('/v1/state?watch', 'auditor/2')).status).toBe(200)
})

/** How many snapshots were made since: each reads once who waits, which `onMade` hears. */
function countedSnapshots({ view }: Pick<Replica, 'view'>, onMade = (): void => undefined): () => number {
  let made = 0
  const facts = view.facts
  view.facts = now => {
    const known = facts(now)
    const waiting = () => {
      made += 1
      onMade()
      return known?.ledger.waiting() ?? []
    }
    return known && { ...known, ledger: { ...known.ledger, waiting } }
  }
  return () => made
}

test('one snapshot a second however many ask, and none while nobody does', async () => {
  const { service, open, read, passes } = await led()
  const made = countedSnapshots(service)
  for (let i = 0; i < 5; i++) await passes()
  expect(made()).toBe(0)
  await Promise.all([read(), read('?namespace=shop'), read('?limit=3'), open('/v1/state?watch')])
  expect(made()).toBe(1)
  await passes()
  await read()
  expect(made()).toBe(2)
})

/** A watch that reads nothing, one beside it that does, and a thousand rows of 1.2 KiB that change when told to. */
async function unread() {
  const names = Array.from({ length: 1_000 }, (_, i) => `pod-${i}-${'x'.repeat(230)}`)
  const made = await madeStateServer(names.map(name => madePod(name)))
  const { service, open, passes, port, server, world } = made
  await service.startLeading(1)
  for (const name of names) await made.ask(name)
  await quiet()
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  socket.write('GET /v1/state?watch&limit=1000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\n\r\n')
  const reading = await open('/v1/state?watch&limit=1000')
  const count = () => promisify(server.getConnections.bind(server))()
  expect(await count()).toBe(2)
  /** Another that reads nothing. */
  const openUnread = async (query: string) => {
    const another = connect(port, '127.0.0.1').on('error', () => undefined)
    onTestFinished(() => void another.destroy())
    await once(another, 'connect')
    another.pause()
    another.write(`GET /v1/state?${query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\n\r\n`)
  }
  let isFrozen = false
  /** Frozen and thawed in turns: each row is another one. */
  const change = async () => {
    const before = reading.text().length
    isFrozen = !isFrozen
    service.namespaceChanged(madeNamespace(isFrozen ? { 'startgate.dev/max-starting': '0' } : {}))
    await quiet()
    await passes()
    await expect.poll(() => reading.text().length, PATIENCE).toBeGreaterThan(before + 1_000_000)
  }
  return { count, change, passes, openUnread, now: () => world.nowMs }
}

test('a watch that reads nothing is hung up beyond so many bytes, and one beside it goes on', async () => {
  const { count, change, now } = await unread()
  const sinceMs = now()
  while ((await count()) === 2) await change()
  expect(now() - sinceMs).toBeLessThan(30_000)
  expect(await count()).toBe(1)
  await change()
})

test('a watch that has not read all it was sent is hung up after half a minute', async () => {
  const { count, change, passes } = await unread()
  // More than the sockets take in, and less than is too much.
  for (let i = 0; i < 5; i++) await change()
  for (let second = 0; second < 27; second++) await passes()
  expect(await count()).toBe(2)
  for (let second = 0; second < 10; second++) await passes()
  expect(await count()).toBe(1)
})

test('watches that read nothing are hung up beyond so many bytes of all, and one that reads goes on', async () => {
  const { count, change, openUnread, now } = await unread()
  for (let i = 0; i < 23; i++) await openUnread(`watch&limit=${1_000 - (i % 4)}`)
  expect(await count()).toBe(25)
  const sinceMs = now()
  // Each has at most seven of what is little over a MiB, and a part of it is in the sockets.
  for (let i = 0; i < 6; i++) await change()
  expect(now() - sinceMs).toBeLessThan(20_000)
  await expect.poll(count, PATIENCE).toBeLessThan(20)
  expect(await count()).toBeGreaterThan(1)
})

test('questions that all differ keep neither the leader from its work, nor another reader from an answer', async () => {
  const { read } = await led()
  const statuses = []
  for (let limit = 1; limit <= 300; limit++) statuses.push((await read(`?limit=${limit}`)).status)
  expect(statuses.filter(status => status === 200)).toHaveLength(126)
  expect(await read('?limit=999', 'all/2')).toMatchObject({ status: 429, body: { code: 'TOO_MANY_QUESTIONS' } })
  expect((await read('?limit=1')).status).toBe(200)
  for (let limit = 1; limit <= 20; limit++)
    expect((await read(`?namespace=shop&limit=${limit}`, 'shop')).status).toBe(200)
})

test('what a watch is told first counts as an answer, but for what is known', async () => {
  const { access, open, read } = await led()
  access.stepMs = 10
  const statuses = []
  for (let limit = 1; limit <= 20; limit++) statuses.push((await open(`/v1/state?watch&limit=${limit}`)).status)
  expect(statuses.filter(status => status === 200)).toHaveLength(13)
  expect(await read('?watch&limit=20')).toMatchObject({ status: 429, body: { code: 'TOO_MANY_QUESTIONS' } })
  for (let i = 0; i < 20; i++) {
    const again = await open('/v1/state?watch&limit=1')
    expect(again.status).toBe(200)
    again.answer.destroy()
  }
})

test('a watch that is opened between two rounds tells those who watch the same', async () => {
  const { open, passes, service, world } = await led()
  const [first] = [await open('/v1/state?watch')]
  await passes()
  service.namespaceChanged(madeNamespace({ 'startgate.dev/max-starting': '0' }))
  await quiet()
  // No timer runs.
  world.nowMs += 1_000
  const second = await open('/v1/state?watch')
  await expect.poll(() => eventsIn(first.text()), PATIENCE).toHaveLength(2)
  await expect.poll(() => eventsIn(second.text()), PATIENCE).toHaveLength(1)
  const [state, changes] = eventsIn(first.text()).map(({ data }) => data) as [State, StateChanges]
  expect(applyChanges(state, changes)).toEqual(eventsIn(second.text())[0]?.data)
})

test('answers cost a part of the twentieth: after three things of 100 ms nothing is made for six seconds', async () => {
  const { access, service, open, passes } = await led()
  const made = countedSnapshots(service)
  access.stepMs = 100
  // A snapshot, an answer, and its sending.
  await open('/v1/state?watch')
  access.stepMs = 0
  for (let second = 0; second < 5; second++) await passes()
  expect(made()).toBe(1)
  await passes()
  expect(made()).toBe(2)
})

test('readers cost a twentieth of the time: after a second of work nothing is made for twenty', async () => {
  const { access, service, open, passes, read } = await led()
  const made = countedSnapshots(service, () => {
    access.cpuMs += 1_000
  })
  await open('/v1/state?watch')
  for (let second = 0; second < 19; second++) await passes()
  expect((await read()).status).toBe(200)
  expect(made()).toBe(1)
  for (let second = 0; second < 40; second++) await passes()
  expect(made()).toBe(3)
})
