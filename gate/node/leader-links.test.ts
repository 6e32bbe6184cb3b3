import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { LeaderLinks } from './leader-links.ts'

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
