import { once } from 'node:events'
import { get } from 'node:http'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { buildMetricsServer, MOST_CONNECTIONS } from './metrics-server.ts'
import { createReadAccess } from './read-access.ts'
import { listenOnLoopback } from './testing/listen-on-loopback.ts'

/** The real server over plain HTTP, what it asks, how often it makes the text, and a clock that the test moves. */
async function listening({ isOpen = false } = {}) {
  const world = { nowMs: 0, made: 0, fails: false, isBroken: false, reviewed: [] as string[] }
  const authorize = createReadAccess(
    async token => {
      world.reviewed.push(token)
      await setImmediate()
      if (world.fails) throw new Error('no answer')
      const verdict = token === 'good' ? 'allowed' : token === 'other' ? 'forbidden' : 'unauthenticated'
      return { verdict, username: token }
    },
    () => world.nowMs,
  )
  const server = buildMetricsServer({
    contentType: 'text/plain; version=0.0.4',
    text: async () => {
      if (world.isBroken) throw new Error('a bug')
      return `made ${++world.made}\n`
    },
    authorize: isOpen ? undefined : authorize,
    monotonicMs: () => world.nowMs,
    log: pino({ level: 'silent' }),
  })
  const port = await listenOnLoopback(server)
  const scrape = (token?: string, path = '/metrics'): Promise<{ status: number | undefined; body: string }> =>
    new Promise((resolve, reject) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      get({ host: '127.0.0.1', port, path, headers, agent: false }, answer => {
        let body = ''
        answer.on('data', chunk => {
          body += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode, body }))
      }).on('error', reject)
    })
  return { world, scrape, port, server }
}

test('who may read the metrics gets them; others get one sentence', async () => {
  const { scrape } = await listening()
  expect(await scrape('good')).toEqual({ status: 200, body: 'made 1\n' })
  expect(await scrape()).toMatchObject({ status: 401, body: expect.stringContaining('TOKEN_MISSING') })
  expect(await scrape('made-up')).toMatchObject({ status: 401, body: expect.stringContaining('TOKEN_INVALID') })
  expect(await scrape('other')).toMatchObject({
    status: 403,
    body: expect.stringContaining('startgate-metrics-reader'),
  })
  expect(await scrape('good', '/healthz')).toMatchObject({ status: 404 })
  expect(await scrape('good', '/metrics?name=x')).toMatchObject({ status: 200 })
})

test('without authorization whoever asks gets them', async () => {
  const { scrape } = await listening({ isOpen: true })
  expect(await scrape()).toMatchObject({ status: 200 })
})

test('when the API server cannot be asked, nothing is told and nothing remembered', async () => {
  const { world, scrape } = await listening()
  world.fails = true
  expect(await scrape('good')).toMatchObject({ status: 503 })
  world.fails = false
  expect(await scrape('good')).toMatchObject({ status: 200 })
})

test('a text that cannot be made is a 500, and made anew a second later', async () => {
  const { world, scrape } = await listening({ isOpen: true })
  world.isBroken = true
  expect(await scrape()).toMatchObject({ status: 500, body: expect.stringContaining('INTERNAL') })
  world.isBroken = false
  world.nowMs = 1_000
  expect(await scrape()).toMatchObject({ status: 200 })
})

test('the text is made once a second, however many ask, and a verdict is good for a while', async () => {
  const { world, scrape } = await listening()
  const first = await Promise.all(Array.from({ length: 10 }, () => scrape('good')))
  world.nowMs = 999
  first.push(await scrape('good'))
  expect(new Set(first.map(({ body }) => body))).toEqual(new Set(['made 1\n']))
  world.nowMs = 1_000
  expect((await scrape('good')).body).toBe('made 2\n')
  expect(world.reviewed.length).toBeLessThanOrEqual(4)
  world.nowMs = 60_000
  const before = world.reviewed.length
  await scrape('good')
  expect(world.reviewed).toHaveLength(before + 1)
})

test('forty pipelined requests: the text is made once at most, and the connection is closed', async () => {
  const { world, port, scrape } = await listening({ isOpen: true })
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  const ended = new Promise(resolve => socket.resume().once('close', resolve))
  socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(40))
  await ended
  expect(world.made).toBeLessThanOrEqual(1)
  expect((await scrape()).status).toBe(200)
})

test('a hundred silent connections keep no scraper out', async () => {
  const { port, scrape, server } = await listening()
  for (let i = 0; i < 100; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
  }
  expect((await scrape('good')).status).toBe(200)
  const count = Promise.withResolvers<number>()
  server.getConnections((_, open) => count.resolve(open))
  expect(await count.promise).toBeLessThanOrEqual(MOST_CONNECTIONS)
})
