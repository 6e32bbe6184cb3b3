import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { keptSockets } from '../../../core/testing/kept-sockets.ts'
import { FAIR_TIME_MS, limitUnauthenticated, type UnauthenticatedLimits } from './unauthenticated-connections.ts'

/** Only what never comes takes so long, on however busy a machine. */
const PATIENCE = { timeout: 300_000 }
/** The longest that a timer takes: who is served, heard or closed depends on no real time here. */
const NEVER_MS = 2 ** 31 - 1

/**
 * A server that keeps few connections, and a clock that the test moves. Each client says its number; `heard` is what
 * the server got.
 */
async function keepingFew(limits: UnauthenticatedLimits) {
  const heard: string[] = []
  const served: Socket[] = []
  const server = createServer(socket => {
    served.push(socket)
    socket
      .on('error', () => undefined)
      .on('data', chunk => heard.push(String(chunk)))
      .resume()
  })
  const clock = { ms: 0 }
  const limit = limitUnauthenticated(server, {
    turnMs: NEVER_MS,
    silenceMs: NEVER_MS,
    ...limits,
    monotonicMs: () => clock.ms,
  })
  const { kept, open: connected, areOpen } = await keptSockets(server, PATIENCE)
  /** Connects, and speaks or not; resolves when the server has taken that in. */
  const open = async (speaks: boolean, localAddress = '127.0.0.1'): Promise<Socket> => {
    const before = kept.length
    const socket = await connected(localAddress)
    if (!speaks) return socket
    socket.write(String(before))
    const seen = kept[before]
    await expect.poll(() => seen?.destroyed || (seen?.bytesRead ?? 0) > 0, PATIENCE).toBe(true)
    return socket
  }
  return { clock, limit, open, heard, served, areOpen }
}

test('who has begun is not closed for another, until it has had its time', async () => {
  const { clock, limit, open, heard, areOpen } = await keepingFew({ begun: 2 })
  for (let i = 0; i < 3; i++) await open(true)
  await expect.poll(() => heard, PATIENCE).toEqual(['0', '1'])
  expect([areOpen(), limit.count()]).toEqual([[true, true, true], 3])
  clock.ms = FAIR_TIME_MS
  await open(true)
  await expect.poll(() => heard, PATIENCE).toEqual(['0', '1', '3', '2'])
  expect(areOpen()).toEqual([false, false, true, true])
})

test('of those who wait the oldest that has said nothing goes first, then the oldest', async () => {
  const { open, areOpen } = await keepingFew({ waiting: 2, turns: 0 })
  await open(true)
  await open(false)
  await open(true)
  expect(areOpen()).toEqual([true, false, true])
  await open(true)
  expect(areOpen()).toEqual([false, false, true, true])
})

test('few are served at once, the newest first, and each is heard from its first word', async () => {
  const { limit, open, heard, served } = await keepingFew({ turns: 1 })
  const first = await open(true)
  await open(false)
  for (let i = 2; i < 5; i++) await open(true)
  const gaveUp = await open(true)
  gaveUp.destroy()
  await expect.poll(() => limit.count(), PATIENCE).toBe(5)
  first.destroy()
  await expect.poll(() => heard, PATIENCE).toEqual(['0', '4'])
  limit.authenticated(served[1] as Socket)
  await expect.poll(() => heard, PATIENCE).toEqual(['0', '4', '3'])
})

test('an address of which fewer have begun comes first, however many of another came later', async () => {
  const { open, heard, served } = await keepingFew({ turns: 2 })
  await open(true)
  await open(true)
  await open(true, '127.0.0.2')
  for (let i = 3; i < 8; i++) await open(true)
  served[0]?.destroy()
  await expect.poll(() => heard, PATIENCE).toEqual(['0', '1', '2'])
  served[1]?.destroy()
  await expect.poll(() => heard, PATIENCE).toEqual(['0', '1', '2', '7'])
})

test('one address that keeps all places of those that have begun gives one up for another address, but none for its own', async () => {
  const { limit, open, heard, areOpen } = await keepingFew({ begun: 2 })
  for (let i = 0; i < 3; i++) await open(true)
  await open(true, '127.0.0.2')
  await expect.poll(() => heard, PATIENCE).toEqual(['0', '1', '3'])
  expect(areOpen()).toEqual([false, true, true, true])
  await open(true, '127.0.0.3')
  expect([heard, limit.count()]).toEqual([['0', '1', '3'], 4])
})
