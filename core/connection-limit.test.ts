import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { limitConnections } from './connection-limit.ts'
import { keptSockets } from './testing/kept-sockets.ts'

/** A busy machine needs more than the second that `poll` has by itself. */
const PATIENCE = { timeout: 10_000 }

async function keeping(most: number) {
  const server = createServer()
  const limit = limitConnections(server, most)
  const { kept, open, areOpen } = await keptSockets(server, PATIENCE)
  const trust = (index: number) => limit.markTrusted(kept[index] as Socket)
  return { open, trust, areOpen }
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
