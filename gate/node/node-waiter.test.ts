import { cpSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import type { ServingIdentity } from '../../certs/identity.ts'
import { madeIdentity } from '../../certs/testing/made-identity.ts'
import type { Pod } from '../../core/pod.ts'
import { madePod } from '../lease-service/testing/made-pods.ts'
import { madeToken } from '../lease-service/testing/made-token.ts'
import { readNode } from './figures-feed.ts'
import { waiterToken } from './testing/made-review.ts'
import { madeDirectory, type RealGate, startGate } from './testing/real-gate.ts'
import { type RealReplica, realReplica, SERVER_NAME } from './testing/real-replica.ts'
import { realWaiter } from './testing/real-waiter.ts'

/* The whole way on loopback: a real busybox, a real waiter, the lease service's real server and leader. */

let identity: ServingIdentity
beforeAll(async () => {
  identity = await madeIdentity(SERVER_NAME)
})

const tokenOf = (podName: string): string => madeToken({ podName, podUid: podName, nodeName: 'worker-1' })
const gateOf = (podName: string, port: number, more: Partial<Parameters<typeof startGate>[0]> = {}): RealGate =>
  startGate({ podUid: podName, token: tokenOf(podName), port, ...more })
const finished = (pod: Pod): Pod => ({ ...pod, status: { ...pod.status, phase: 'Failed' } })
const reasons = (gate: RealGate): unknown[] => gate.log().map(({ reason, msg }) => reason ?? msg)
const FAILS_SOON = { STARTGATE_FAIL_OPEN_AFTER: '4s' }
const waits = (gate: RealGate) => expect.poll(() => gate.said(), { timeout: 20_000 }).toContain('"msg":"waiting"')

async function leading(
  names: string[],
  options: { takesWaiters?: boolean } = {},
): Promise<RealReplica & { pods: Pod[] }> {
  const pods = names.map(name => madePod(name))
  const replica = await realReplica(pods, identity, options)
  await replica.service.startLeading(1)
  return { ...replica, pods }
}
const waiterFor = ({ address }: Pick<RealReplica, 'address'>, more: object = {}) =>
  realWaiter({ address, caPem: identity.caBundlePem, ...more })

test('a gate is granted: it ends with 0, and leaves its verdict, its marker and a line of log', async () => {
  const { port } = await waiterFor(await leading(['a']))
  const gate = gateOf('a', port)
  expect(await gate.ended).toBe(0)
  expect(JSON.parse(gate.read('termination-log') ?? '')).toMatchObject({
    verdict: 'granted',
    gate: 'startgate-start',
    attempt: 1,
  })
  expect(gate.read('runs-startgate-start')).toBe('1\n')
  expect(gate.read('lost')).toBeUndefined()
  expect(gate.log().at(-1)).toMatchObject({ level: 30, part: 'gate', podUid: 'a', attempt: 1, msg: 'granted' })
  expect(gate.said()).not.toContain('stderr')
  expect(gate.said()).not.toContain(tokenOf('a'))
})

test('one that waits logs its place and why, and goes on when the slot is free', async () => {
  const replica = await leading(['a', 'b'])
  const { port } = await waiterFor(replica)
  expect(await gateOf('a', port).ended).toBe(0)
  const b = gateOf('b', port)
  await expect.poll(() => b.log().some(({ place, of }) => place === 1 && of === 1), { timeout: 20_000 }).toBe(true)
  expect(b.read('termination-log')).toBeUndefined()
  const [a] = replica.pods
  if (a) replica.service.podChanged(finished(a))
  expect(await b.ended).toBe(0)
})

test('SIGTERM ends a waiting gate at once with 143, and its turn goes to the next', async () => {
  const replica = await leading(['a', 'b', 'c'])
  const { port } = await waiterFor(replica)
  await gateOf('a', port).ended
  const b = gateOf('b', port)
  await waits(b)
  await expect.poll(() => replica.service.view.streamCount()).toBe(1)
  const before = performance.now()
  b.kill()
  expect(await b.ended).toBe(143)
  expect(performance.now() - before).toBeLessThan(1_000)
  expect(b.read('runs-startgate-start')).toBeUndefined()
  await expect.poll(() => replica.service.view.streamCount(), { timeout: 5_000 }).toBe(0)
})

test('a change of leaders is one connection more, whatever the number of gates', async () => {
  const names = ['a', 'b', 'c', 'd']
  const first = await leading(names)
  const second = await realReplica(first.pods, identity)
  const { port } = await waiterFor(first)
  await gateOf('a', port).ended
  const gates = names.slice(1).map(name => gateOf(name, port))
  await Promise.all(gates.map(waits))
  first.world.isLeader = false
  first.world.leader = { address: second.address, term: 2 }
  await second.service.startLeading(2)
  first.service.stopLeading()
  await expect.poll(() => gates.some(gate => gate.read('termination-log')), { timeout: 20_000 }).toBe(true)
  await expect.poll(() => second.service.view.streamCount()).toBe(2)
  expect([first.links.size, second.links.size]).toEqual([1, 1])
})

test('a waiter that goes away is waited for by gates that keep their places', async () => {
  const replica = await leading(['a', 'b', 'c'])
  const waiter = await waiterFor(replica)
  await gateOf('a', waiter.port).ended
  const [b, c] = [gateOf('b', waiter.port), gateOf('c', waiter.port)]
  await Promise.all([waits(b), waits(c)])
  await waiter.stop()
  await expect.poll(() => replica.service.view.streamCount()).toBe(0)
  await sleep(1_500)
  await waiterFor(replica, { port: waiter.port })
  await expect.poll(() => replica.service.view.streamCount(), { timeout: 20_000 }).toBe(2)
  const [a] = replica.pods
  if (a) replica.service.podChanged(finished(a))
  expect(await b.ended).toBe(0)
  const told = b.log().map(({ msg }) => msg)
  expect(told).toContain('the waiter of this node is gone: waiting for the next one')
  expect(c.read('termination-log')).toBeUndefined()
  expect([b.read('direct'), c.read('direct')]).toEqual([undefined, undefined])
})

test('without contact with a leader the waiter lets it fail open in its time, and the next gate only tries', async () => {
  const replica = await leading(['a'])
  await replica.stop()
  const { port } = await waiterFor(replica)
  const env = { STARTGATE_FAIL_OPEN_AFTER: '3s' }
  const gate = gateOf('a', port, { env })
  expect(await gate.ended).toBe(0)
  const verdict = JSON.parse(gate.read('termination-log') ?? '')
  expect(verdict).toMatchObject({ verdict: 'failed-open', attempt: 1, gate: 'startgate-start' })
  expect(verdict.waitedMs).toBeGreaterThan(2_000)
  expect(gate.read('lost')).toBe('1\n')
})

test('a waiter that comes and goes gives no new patience', async () => {
  const replica = await leading(['a'])
  await replica.stop()
  const first = await waiterFor(replica)
  const begun = performance.now()
  const gate = gateOf('a', first.port, { memory: '1000000', env: { STARTGATE_FAIL_OPEN_AFTER: '12s' } })
  await sleep(8_000)
  await first.stop()
  await waiterFor(replica, { port: first.port })
  expect(await gate.ended).toBe(0)
  expect(performance.now() - begun).toBeLessThan(16_000)
  expect(JSON.parse(gate.read('termination-log') ?? '').waitedMs).toBeGreaterThan(10_500)
})

test('a gate after one that failed open only tries, but waits on once a leader was heard', async () => {
  const replica = await leading(['a', 'b'])
  const first = await waiterFor(replica)
  await gateOf('a', first.port).ended
  const dir = madeDirectory()
  for (const file of ['lost', 'runs-startgate-pull']) writeFileSync(join(dir, file), '1\n')
  const heard = gateOf('b', first.port, { dir, memory: '1000000' })
  await waits(heard)
  await replica.stop()
  await first.stop()
  const second = await waiterFor(replica, { port: first.port })
  const unheard = gateOf('b', second.port, { dir: copyOf(dir) })
  expect(await unheard.ended).toBe(0)
  expect(JSON.parse(unheard.read('termination-log') ?? '')).toMatchObject({ verdict: 'failed-open', attempt: 1 })
  await sleep(4_000)
  expect(heard.read('termination-log')).toBeUndefined()
}, 60_000)

/** Of what an earlier gate of the pod has left. */
function copyOf(dir: string): string {
  const copy = madeDirectory()
  for (const file of ['lost', 'runs-startgate-pull']) cpSync(join(dir, file), join(copy, file))
  return copy
}

test('a second run of the init containers asks as attempt 2', async () => {
  const { port } = await waiterFor(await leading(['a']))
  const dir = madeDirectory()
  expect(await gateOf('a', port, { dir }).ended).toBe(0)
  const again = gateOf('a', port, { dir })
  expect(await again.ended).toBe(0)
  expect(JSON.parse(again.read('termination-log') ?? '').attempt).toBe(2)
  expect(again.read('runs-startgate-start')).toBe('2\n')
})

test('the pull gate places the busybox as `true`', async () => {
  const { port } = await waiterFor(await leading(['a']))
  const gate = gateOf('a', port, { env: { STARTGATE_GATE: 'startgate-pull' } })
  await expect.poll(() => gate.read('true')?.length ?? 0, { timeout: 10_000 }).toBeGreaterThan(100_000)
  gate.kill()
  await gate.ended
})

test('a stolen waiter token speaks for no pod of another node', async () => {
  const replica = await leading(['a'])
  const { port } = await waiterFor(replica, { nodeName: 'worker-1', token: waiterToken('worker-2') })
  const gate = gateOf('a', port, { env: { STARTGATE_FAIL_OPEN_AFTER: '4s' } })
  expect(await gate.ended).toBe(0)
  expect(gate.said()).toContain('the waiter of node worker-2 does not speak for it')
  expect(replica.api.leases.size).toBe(0)
  expect(replica.refused).toContain('FOREIGN_NODE')
})

test('where the lease service knows no waiters, as in an upgrade from before them or back, gates ask by themselves at once', async () => {
  const { port } = await waiterFor(await leading(['a', 'b'], { takesWaiters: false }))
  const [large, small] = [gateOf('a', port), gateOf('b', port, { memory: '33554432', env: FAILS_SOON })]
  await Promise.all([large.ended, small.ended])
  expect([large.read('direct'), small.read('direct')]).toEqual(['', undefined])
  expect(reasons(large).at(-1)).toBe('the lease service takes no waiters: asking the lease service directly')
  expect(JSON.parse(small.read('termination-log') ?? '')).toMatchObject({
    verdict: 'failed-open',
    reason: 'the lease service takes no waiters',
  })
})

test('a token that is no waiter’s opens no link', async () => {
  const replica = await leading(['a'])
  const { port } = await waiterFor(replica, { token: tokenOf('a') })
  const gate = gateOf('a', port, { env: { STARTGATE_FAIL_OPEN_AFTER: '3s' } })
  await gate.ended
  expect(gate.said()).toContain('NO_WAITER')
  expect(replica.service.view.streamCount()).toBe(0)
})

test.each([
  ['forged', madeToken({ podName: 'a', podUid: 'a', signature: 'forger' }), 'TOKEN_INVALID'],
  ['another pod’s', tokenOf('b'), 'is not the pod of this token'],
  [
    'another node’s',
    madeToken({ podName: 'a', podUid: 'a', nodeName: 'worker-2' }),
    'where the pod of this token runs',
  ],
])('with a token that is %s the gate is sent on to the lease service itself', async (_, token, says) => {
  const replica = await leading(['a', 'b'])
  const { port } = await waiterFor(replica)
  const gate = startGate({ podUid: 'a', token, port })
  await gate.ended
  expect(gate.read('direct')).toBe('')
  expect(gate.said()).toContain(says)
  expect(replica.service.view.streamCount()).toBe(0)
})

test('while gates wait the leader is told how their node does, and afterwards no more', async () => {
  const replica = await leading(['a', 'b'])
  const { port } = await waiterFor(replica, { readNode: () => readNode(() => performance.now()) })
  await gateOf('a', port).ended
  await expect.poll(() => replica.service.view.streamCount()).toBe(0)
  const b = gateOf('b', port)
  await waits(b)
  await expect.poll(() => replica.figures.length, { timeout: 10_000 }).toBeGreaterThan(1)
  for (const [nodeName, { cores, busy }] of replica.figures) {
    expect([nodeName, cores]).toEqual(['worker-1', cpus().length])
    expect(busy >= 0 && busy <= 1).toBe(true)
  }
  b.kill()
  await b.ended
  await expect.poll(() => replica.service.view.streamCount()).toBe(0)
  const told = replica.figures.length
  await sleep(2_500)
  expect(replica.figures.length).toBeLessThanOrEqual(told + 1)
})

test('a hundred gates wait on one connection', async () => {
  const names = Array.from({ length: 101 }, (_, index) => `p${index}`)
  const replica = await leading(names)
  const { port } = await waiterFor(replica)
  await gateOf('p0', port).ended
  const gates = names.slice(1).map(name => gateOf(name, port))
  await expect.poll(() => replica.service.view.streamCount(), { timeout: 60_000, interval: 200 }).toBe(100)
  expect(replica.links.size).toBe(1)
  for (const gate of gates) gate.kill()
  await Promise.all(gates.map(gate => gate.ended))
  await expect.poll(() => replica.service.view.streamCount(), { timeout: 10_000 }).toBe(0)
})
