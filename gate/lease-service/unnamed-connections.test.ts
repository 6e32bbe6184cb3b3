import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { FAIR_TIME_MS, limitUnnamed } from './unnamed-connections.ts'

/** A server that keeps two connections, and a clock that the test moves. */
async function keepingTwo() {
  const server = createServer(socket => socket.on('error', () => undefined).resume())
  const clock = { ms: 0 }
  const kept: Socket[] = []
  const limit = limitUnnamed(server, 2, () => clock.ms)
  server.on('connection', socket => kept.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of kept) socket.destroy()
    server.close()
  })
  /** Connects, and speaks or not; resolves when the server has taken that in. */
  const open = async (speaks: boolean): Promise<Socket> => {
    const before = kept.length
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
    await expect.poll(() => kept.length).toBe(before + 1)
    if (!speaks) return socket
    socket.write('hello')
    const seen = kept[before]
    await expect.poll(() => seen?.destroyed || (seen?.bytesRead ?? 0) > 0).toBe(true)
    return socket
  }
  return { clock, limit, open, areOpen: () => kept.map(socket => !socket.destroyed) }
}

test('who has begun to speak is not closed for a newcomer, until it has had its time', async () => {
  const { clock, limit, open, areOpen } = await keepingTwo()
  for (let i = 0; i < 3; i++) await open(true)
  expect([areOpen(), limit.count()]).toEqual([[true, true, false], 2])
  clock.ms = FAIR_TIME_MS
  await open(true)
  expect([areOpen(), limit.count()]).toEqual([[false, true, false, true], 2])
})

test('the oldest that has said nothing goes first', async () => {
  const { open, areOpen } = await keepingTwo()
  await open(true)
  await open(false)
  await open(true)
  expect(areOpen()).toEqual([true, false, true])
})
