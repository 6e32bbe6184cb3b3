import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import type { AgentMessage, GateMessage } from '../../../core/lease-api.ts'
import { type JsonLineAnswer, jsonLineAnswer, MOST_UNSENT } from './ndjson-response.ts'

type Message = GateMessage | AgentMessage

/** An open answer to a client that reads nothing of it, and how many of its bytes wait in this process. */
async function toOneWhoDoesNotRead() {
  const server = Fastify()
  const opened = Promise.withResolvers<{ answer: JsonLineAnswer<Message>; unsent: () => number }>()
  server.get('/', async (_request, reply) => {
    const answer = jsonLineAnswer<Message>(reply)
    await answer.serve(async () => () => undefined)
    opened.resolve({ answer, unsent: () => reply.raw.writableLength })
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const client = connect((server.server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
  onTestFinished(async () => {
    client.destroy()
    server.server.closeAllConnections()
    await server.close()
  })
  await once(client, 'connect')
  client.pause().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  return { ...(await opened.promise), client }
}

const LONG = 'x'.repeat(1_000)
const waiting: Message = { kind: 'waiting', place: 1, of: 1, reason: LONG }
const containers: Message = {
  kind: 'containers',
  containers: { [LONG]: { state: 'running', started: true, ready: true, restartCount: 0 } },
}

test.each([
  ['what a later message says again', [waiting]],
  ['heartbeats', [{ kind: 'heartbeat' } as const]],
  ['what is said once', [containers]],
])(
  'of %s little is kept for one who does not read, and the connection is closed',
  async (_, messages) => {
    const { answer, unsent } = await toOneWhoDoesNotRead()
    let most = 0
    for (let i = 0; i < 200_000 && answer.isOpen(); i++) {
      for (const message of messages) answer.send(message)
      most = Math.max(most, unsent())
      if (i % 100 === 0) await setImmediate()
    }
    expect(most).toBeLessThanOrEqual(MOST_UNSENT + 2 * LONG.length)
    expect(answer.isOpen()).toBe(false)
  },
  60_000,
)

test('who reads hears all', async () => {
  const { answer, client } = await toOneWhoDoesNotRead()
  let heard = 0
  client.on('data', chunk => {
    heard += String(chunk).split('"kind"').length - 1
  })
  client.resume()
  for (let i = 0; i < 5_000; i++) {
    answer.send(waiting)
    await setImmediate()
  }
  await expect.poll(() => heard, { timeout: 10_000 }).toBe(5_000)
})
