import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { madeIdentity } from '../../certs/testing/made-identity.ts'
import { CUT_OFF_MS, LeaderLinks } from './leader-links.ts'
import { waiterToken } from './testing/made-review.ts'
import { realReplica, SERVER_NAME } from './testing/real-replica.ts'

/** A replica that hangs up on everybody before a handshake is over. */
async function hangingUp() {
  const seen = { connections: 0 }
  const server = createServer(socket => {
    seen.connections++
    socket.on('error', () => undefined).destroy()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return { seen, address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Links with one gate, which asks a real replica. */
function oneGate(address: string, caBundlePem: string, monotonicMs: () => number) {
  const connection = {
    serverName: SERVER_NAME,
    caPem: async () => caBundlePem,
    token: async () => waiterToken('worker-1'),
  }
  const links = new LeaderLinks(connection, monotonicMs)
  const client = links.clientOf({ namespace: 'shop', podName: 'web-1', gate: 'startgate-start' })
  const body = { podUid: 'uid-1', attempt: 1, nonce: 'nonce-0001' }
  return { links, ask: () => client.ask(address, body, new AbortController().signal, () => undefined) }
}

test('a hundred gates that try again and again knock at one replica as often as one would', async () => {
  const { seen, address } = await hangingUp()
  const connection = { serverName: 'localhost', caPem: async () => '', token: async () => 'token' }
  const links = new LeaderLinks(connection, () => performance.now())
  const begunMs = performance.now()
  const tries = Array.from({ length: 100 }, async (_, index) => {
    const client = links.clientOf({ namespace: 'shop', podName: `web-${index}`, gate: 'startgate-start' })
    const body = { podUid: `uid-${index}`, attempt: 1, nonce: 'nonce-0001' }
    let count = 0
    while (seen.connections < 5) {
      await client.ask(address, body, new AbortController().signal, () => undefined)
      count++
    }
    return count
  })
  const counts = await Promise.all(tries)
  expect(Math.min(...counts)).toBeGreaterThan(0)
  expect(performance.now() - begunMs).toBeGreaterThan(990)
  links.closeAll('the test is over')
})

test('a waiter is cut off when it has tried for long and never got through', async () => {
  const { address } = await hangingUp()
  let nowMs = 0
  const connection = { serverName: 'localhost', caPem: async () => '', token: async () => 'token' }
  const links = new LeaderLinks(connection, () => nowMs)
  const client = links.clientOf({ namespace: 'shop', podName: 'web-1', gate: 'startgate-start' })
  const ask = () =>
    client.ask(
      address,
      { podUid: 'uid-1', attempt: 1, nonce: 'nonce-0001' },
      new AbortController().signal,
      () => undefined,
    )
  nowMs = 2 * CUT_OFF_MS
  expect(links.isCutOff()).toBe(false)
  await ask()
  nowMs += CUT_OFF_MS - 1
  expect(links.isCutOff()).toBe(false)
  nowMs += 1
  await ask()
  expect(links.isCutOff()).toBe(true)
  links.closeAll('the test is over')
})

test('a waiter that got through once is not cut off by what comes later', async () => {
  const identity = await madeIdentity(SERVER_NAME)
  const replica = await realReplica([], identity)
  let nowMs = 0
  const { links, ask } = oneGate(replica.address, identity.caBundlePem, () => nowMs)
  await replica.service.startLeading(1)
  // Refused, since there is no such pod: over a link.
  await ask()
  await replica.stop()
  nowMs = 10 * CUT_OFF_MS
  expect([replica.links.size, links.isCutOff()]).toEqual([1, false])
  links.closeAll('the test is over')
})

test('a replica that knows no leader is not asked for ever: another connection may reach one that leads', async () => {
  const identity = await madeIdentity(SERVER_NAME)
  const replica = await realReplica([], identity)
  // Cut off from the API server, say.
  replica.world.isLeader = false
  let nowMs = 0
  const { links, ask } = oneGate(replica.address, identity.caBundlePem, () => nowMs)
  const connectionsAt = async (atMs: number): Promise<number> => {
    nowMs = atMs
    expect(await ask()).toContain('NO_LEADER')
    return replica.links.size
  }
  expect([await connectionsAt(0), await connectionsAt(4_000)]).toEqual([1, 1])
  // The last answer of the first connection, and the first of the next.
  expect([await connectionsAt(6_000), await connectionsAt(6_500), await connectionsAt(7_000)]).toEqual([1, 2, 2])
  links.closeAll('the test is over')
})
