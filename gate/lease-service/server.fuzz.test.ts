import fc from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { RefusedError } from './identity.ts'
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
