import { pino } from 'pino'
import { expect, test } from 'vitest'
import { RefusedError } from './identity.ts'
import { buildServer, type ServerDeps } from './server.ts'

const deps: ServerDeps = {
  identify: async token => {
    if (token !== 'good')
      throw new RefusedError(401, 'TOKEN_INVALID', 'the API server refuses this token: not authenticated')
    return { namespace: 'shop', podName: 'web-1', podUid: 'uid-1' }
  },
  connect: async (_identity, _gate, request, stream) => {
    stream.send({ kind: 'waiting', place: 1, of: 1, reason: 'in line' })
    stream.end({ kind: 'granted', nonce: request.nonce, lease: 'start-uid-1-1' })
    return () => undefined
  },
  isReady: () => true,
  metricsText: async () => 'startgate_leader 1\n',
  refused: () => undefined,
  log: pino({ level: 'silent' }),
}
const body = { podUid: 'uid-1', attempt: 1, nonce: 'nonce-0001' }
const ask = (over: { gate?: string; token?: string; payload?: unknown } = {}) =>
  buildServer(deps).inject({
    method: 'POST',
    url: `/v1/gates/${over.gate ?? 'startgate-start'}`,
    headers: { authorization: `Bearer ${over.token ?? 'good'}`, 'content-type': 'application/json' },
    payload: JSON.stringify(over.payload ?? body),
  })

test('a gate hears its place and then its grant, a line each', async () => {
  const answer = await ask()
  expect(answer.statusCode).toBe(200)
  expect(
    answer.body
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
  ).toEqual([
    { kind: 'waiting', place: 1, of: 1, reason: 'in line' },
    { kind: 'granted', nonce: 'nonce-0001', lease: 'start-uid-1-1' },
  ])
})

const bad: Record<string, { over: Parameters<typeof ask>[0]; status: number; code: string; says: string }> = {
  'a forged token': { over: { token: 'forged' }, status: 401, code: 'TOKEN_INVALID', says: 'refuses this token' },
  'another pod': {
    over: { payload: { ...body, podUid: 'uid-2' } },
    status: 403,
    code: 'FOREIGN_POD',
    says: 'token is of pod uid-1, the request asks for pod uid-2',
  },
  'an unknown gate': {
    over: { gate: 'startgate-end' },
    status: 400,
    code: 'UNKNOWN_GATE',
    says: '"startgate-end" is no gate',
  },
  'a body that is no object': { over: { payload: [] }, status: 400, code: 'BAD_REQUEST', says: 'podUid' },
  'attempt zero': {
    over: { payload: { ...body, attempt: 0 } },
    status: 400,
    code: 'BAD_REQUEST',
    says: 'attempt: send a whole number',
  },
  'a short nonce': { over: { payload: { ...body, nonce: 'x' } }, status: 400, code: 'BAD_REQUEST', says: 'nonce' },
  'a huge body': {
    over: { payload: { ...body, more: 'x'.repeat(5_000) } },
    status: 413,
    code: 'BAD_REQUEST',
    says: 'too large',
  },
}
test.each(Object.entries(bad))('%s is refused with one clear sentence', async (_, { over, status, code, says }) => {
  const answer = await ask(over)
  expect([answer.statusCode, answer.json().code]).toEqual([status, code])
  expect(answer.json().message).toContain(says)
})

test('a request that is no JSON is a 4xx', async () => {
  const answer = await buildServer(deps).inject({
    method: 'POST',
    url: '/v1/gates/startgate-start',
    headers: { 'content-type': 'application/json' },
    payload: '{',
  })
  expect(answer.statusCode).toBe(400)
})

test('health, readiness and metrics answer', async () => {
  const server = buildServer({ ...deps, isReady: () => false })
  const statuses = await Promise.all(
    ['/healthz', '/readyz', '/metrics', '/nowhere'].map(async url => (await server.inject({ url })).statusCode),
  )
  expect(statuses).toEqual([200, 503, 200, 404])
})
