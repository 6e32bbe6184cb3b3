import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { limitConnections } from './connection-limit.ts'

/** A busy machine needs more than the second that `poll` has by itself. */
const PATIENCE = { timeout: 10_000 }

async function keeping(most: number) {
  const kept: Socket[] = []
  const server = createServer()
  const limit = limitConnections(server, most)
  server.on('connection', socket => kept.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of kept) socket.destroy()
    server.close()
  })
  const open = async (localAddress = '127.0.0.1'): Promise<void> => {
    const before = kept.length
    const { port } = server.address() as AddressInfo
    connect({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined)
    await expect.poll(() => kept.length, PATIENCE).toBe(before + 1)
  }
  const trust = (index: number) => limit.markTrusted(kept[index] as Socket)
  return { open, trust, areOpen: () => kept.map(socket => !socket.destroyed) }
}

test('of too many the oldest of the address that has the most is closed', async () => {
  const { open, areOpen } = await keeping(3)
  await open('127.0.0.2')
  for (let i = 0; i < 3; i++) await open()
  expect(areOpen()).toEqual([true, false, true, true])
  await open('127.0.0.3')
  expect(areOpen()).toEqual([true, false, false, true, true])
})

test('connections on which a good request came stay as long as there are others', async () => {
  const { open, trust, areOpen } = await keeping(2)
  await open()
  trust(0)
  await open()
  await open('127.0.0.2')
  expect(areOpen()).toEqual([true, false, true])
  trust(2)
  await open('127.0.0.3')
  expect(areOpen()).toEqual([true, false, true, false])
})
