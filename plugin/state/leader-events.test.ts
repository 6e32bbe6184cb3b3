import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { eventsOf } from './leader-events.ts'

/** What is read of an answer, and the sentence with which it ends. */
async function readOf(serve: (response: ServerResponse) => void) {
  const server = createServer((_, response) => serve(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const answer = await new Promise<IncomingMessage>(resolve => get({ host: '127.0.0.1', port, agent: false }, resolve))
  const events: string[] = []
  try {
    for await (const { event, data } of eventsOf(answer, {})) events.push(`${event} ${data}`)
  } catch (error) {
    return { events, sentence: (error as Error).message, isClosed: answer.socket.destroyed }
  }
  return { events, sentence: undefined, isClosed: answer.socket.destroyed }
}

const refusal = (code: string) => JSON.stringify({ code, message: `${code} in words` })

test('events come as they are told; the leader’s last word is the sentence, and nothing after it counts', async () => {
  const told = await readOf(response =>
    response.write(
      `event: state\ndata: 1\n\n: alive\n\nevent: end\ndata: ${refusal('TOKEN_INVALID')}\n\nevent: state\ndata: 2\n\n`,
    ),
  )
  expect(told.events).toEqual(['state 1'])
  expect(told.sentence).toContain('TOKEN_INVALID in words')
  expect(told.isClosed).toBe(true)
})

test('a refusal is the sentence, however long what else comes is', async () => {
  const told = await readOf(response => {
    response.statusCode = 503
    response.end(refusal('NOT_REVIEWED'))
  })
  expect(told).toMatchObject({ events: [], isClosed: true, sentence: expect.stringContaining('NOT_REVIEWED in words') })
  const endless = await readOf(response => {
    response.statusCode = 500
    response.write('x'.repeat(1_000_000))
  })
  expect(endless.sentence).toContain('HTTP 500')
})

test('an answer that ends without a word ends without one', async () => {
  expect((await readOf(response => response.end('event: state\ndata: 1\n\n'))).sentence).toBeUndefined()
})
