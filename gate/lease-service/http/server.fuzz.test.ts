import fc from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Costs, MOST_MS } from '../../../core/testing/fuzz.ts'
import { RefusedError } from '../model/refusal.ts'
import { buildServer } from './server.ts'

const served: unknown[] = []
const refusals: string[] = []
const server = buildServer({
  identify: async token => {
    if (token !== 'good') throw new RefusedError(401, 'TOKEN_INVALID', 'the API server refuses this token')
    return { namespace: 'shop', podName: 'web-1', podUid: 'uid-1' }
  },
  connect: async (identity, _gate, request, stream) => {
    served.push({ identity, request })
    stream.end({ kind: 'granted', nonce: request.nonce })
    return () => undefined
  },
  connectAgent: async (identity, request, stream) => {
    served.push({ identity, request })
    stream.end({ kind: 'retry', afterMs: 1, reason: 'the leader is changing' })
    return () => undefined
  },
  report: async (identity, request) => void served.push({ identity, request }),
  takePressure: async (identity, request) => void served.push({ identity, request }),
  takeFigures: () => undefined,
  isReady: () => true,
  refused: code => void refusals.push(code),
  log: pino({ level: 'silent' }),
})

/** Right more often than not, so that what lies deeper is reached. */
const mostly = <T>(right: T) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<unknown>(right) },
    { weight: 1, arbitrary: fc.anything({ maxDepth: 2 }) },
  )
const report = fc.record(
  {
    container: mostly('db'),
    containerId: mostly('c1'),
    state: mostly('ready'),
    extendUntilMs: mostly(5_000),
    status: mostly('Loading'),
    errno: mostly(2),
  },
  { requiredKeys: ['container', 'state'] },
)
const request = fc.record(
  {
    podUid: fc.oneof({ weight: 6, arbitrary: mostly('uid-1') }, { weight: 1, arbitrary: fc.constant('uid-2') }),
    attempt: mostly(1),
    pressure: mostly({ cpu: 1, memory: 2, io: 3 }),
    nonce: mostly('nonce-0001'),
    reports: fc.oneof({ weight: 4, arbitrary: fc.array(report, { maxLength: 3 }) }, fc.anything({ maxDepth: 2 })),
    namespace: fc.string(),
    podName: fc.string(),
  },
  { requiredKeys: ['podUid', 'attempt'] },
)
const call = fc.record({
  url: fc.constantFrom(
    '/v1/gates/startgate-start',
    '/v1/gates/startgate-pull',
    '/v1/agent',
    '/v1/reports',
    '/v1/pressure',
  ),
  payload: fc.oneof(
    { weight: 4, arbitrary: request.map(asJson) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string({ maxLength: 6_000 }) },
  ),
  token: mostly('good').map(token => encodeURIComponent(asJson(token))),
})

/** What JSON has no word for, a BigInt or a cycle, is sent as text. */
function asJson(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? 'null'
  } catch {
    return String(Object.keys(value as object))
  }
}

test('whatever is sent, the answer is a grant or one clear refusal, and only the pod of the token is served', async () => {
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(call, async ({ url, payload, token }) => {
      served.length = refusals.length = 0
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const { statusCode, body } = await server.inject({ method: 'POST', url, payload, headers })
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
      expect([200, 400, 401, 403, 413]).toContain(statusCode)
      if (statusCode === 200) {
        expect(served).toMatchObject([{ identity: { podUid: 'uid-1' }, request: { podUid: 'uid-1' } }])
        return
      }
      expect(served).toEqual([])
      const { code, message } = JSON.parse(body) as { code: string; message: string }
      expect(refusals).toEqual([code])
      expect(message).toMatch(/\S/)
    }),
    { numRuns: 2_000 },
  )
  // A fuzz that is always turned away at the door shows nothing.
  for (const status of [200, 400, 401, 403]) expect(statuses.get(status) ?? 0).toBeGreaterThan(20)
})

const MOST_BYTES = 3 * 1024 * 1024
const filled = (text: string, bytes: number) => text.repeat(Math.floor(bytes / text.length))
const reportOf = (rest: object) => ({ container: 'db', state: 'ready', ...rest })
const agentBody = (reports: unknown) => JSON.stringify({ podUid: 'uid-1', attempt: 1, nonce: 'nonce-0001', reports })
const large: Record<string, string> = {
  'brackets, 3 MiB': filled('[', MOST_BYTES),
  'maps in maps, 3 MiB': filled('{"a":', MOST_BYTES),
  'a text of 3 MiB': JSON.stringify({ podUid: filled('a', MOST_BYTES) }),
  'brackets, as many as are read': filled('[', 130_000) + filled(']', 1),
  'lists in lists, as many as are read': filled('[', 60_000) + filled(']', 60_000),
  'keys, as many as are read': JSON.stringify(Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`k${i}`, i]))),
  'keys that look like those of a prototype': `{${filled('"__proto__":1,', 120_000)}"a":1}`,
  'escapes, as many as are read': JSON.stringify({ podUid: filled('\u0000', 20_000) }),
  '200 reports with long texts': agentBody(Array.from({ length: 200 }, () => reportOf({ status: filled('s', 500) }))),
  '10,000 reports': agentBody(Array.from({ length: 10_000 }, () => ({}))),
  'reports in reports': agentBody([reportOf({ container: filled('-', 100_000) })]),
} // biome-ignore format: a table

test.each(Object.entries(large))('nobody else has to wait for a body of %s', async (name, payload) => {
  const costs = new Costs()
  for (const url of ['/v1/gates/startgate-start', '/v1/agent', '/v1/reports', '/v1/pressure']) {
    const headers = { authorization: 'Bearer good', 'content-type': 'application/json' }
    const answer = await costs.of(`${name} ${url}`, () => server.inject({ method: 'POST', url, payload, headers }))
    expect([200, 400, 413]).toContain(answer.statusCode)
    expect(answer.body.length).toBeLessThan(1_000)
  }
  expect(costs.slowest().filter(({ ms }) => ms > MOST_MS)).toEqual([])
})
