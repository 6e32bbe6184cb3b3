import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { podOf, reviewOf } from '../testing/facts.ts'
import { madeServer } from '../testing/made-server.ts'
import { drain } from './drain.ts'

const log = pino({ level: 'silent' })
const review = JSON.stringify(reviewOf(podOf()))

interface Replica {
  server: FastifyInstance
  state: { draining: boolean }
  port: number
}

async function replica(): Promise<Replica> {
  const state = { draining: false }
  const server = madeServer({ isDraining: () => state.draining })
  await server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close())
  return { server, state, port: (server.server.address() as AddressInfo).port }
}

/** Begins a call; `finish` sends the second half of its body and returns the status. */
function call(port: number, agent: Agent) {
  const sent = request({
    port,
    agent,
    host: '127.0.0.1',
    method: 'POST',
    path: '/mutate',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(review) },
  })
  sent.write(review.slice(0, 100))
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>
  // Looked at by `finish`; a failure before that is not unhandled.
  answered.catch(() => undefined)
  return async (): Promise<{ status: number | undefined; connection: string | undefined }> => {
    sent.end(review.slice(100))
    const [response] = await answered
    response.resume()
    await once(response, 'end')
    return { status: response.statusCode, connection: response.headers.connection }
  }
}

test('a replica that is replaced loses no call: neither on kept connections nor one whose body is on its way', async () => {
  const [old, next] = [await replica(), await replica()]
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  const seen = { before: 0, draining: 0, after: 0 }
  const failed: unknown[] = []
  let target = old
  let isOver = false
  const phaseNow = () => (target === next ? 'after' : old.state.draining ? 'draining' : 'before')
  const caller = async (): Promise<void> => {
    while (!isOver) {
      const phase = phaseNow()
      const result = await call(target.port, agent)().catch(error => ({ status: String(error), connection: '' }))
      const isRight = result.status === 200 && (phase !== 'draining' || result.connection === 'close')
      if (!isRight) failed.push({ phase, ...result })
      seen[phase]++
    }
  }
  const callers = Array.from({ length: 8 }, caller)
  await expect.poll(() => seen.before, { timeout: 20_000 }).toBeGreaterThan(100)

  const underWay = call(old.port, agent)
  old.state.draining = true
  const drained = drain(old.server, {
    lameDuckMs: 1,
    // Traffic still comes until the Endpoints have reached every API server; only then may the lame duck end.
    sleep: async () => {
      await expect.poll(() => seen.draining, { timeout: 20_000 }).toBeGreaterThan(100)
      target = next
      await expect.poll(() => seen.after, { timeout: 20_000 }).toBeGreaterThan(100)
    },
    log,
  })
  await expect.poll(() => old.server.server.listening, { timeout: 20_000 }).toBe(false)
  expect((await underWay()).status).toBe(200)
  await drained
  isOver = true
  await Promise.all(callers)
  expect(failed).toEqual([])
}, 90_000)
