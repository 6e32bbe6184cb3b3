import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { AgentReport } from '../../../core/lease-api.ts'
import type { Pressure } from '../../../core/pressure.ts'
import { RefusedError } from '../model/refusal.ts'
import { buildServer, type ServerDeps } from './server.ts'

const reported: AgentReport[] = []
const told: Pressure[] = []
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
  connectAgent: async (_identity, request, stream) => {
    const containers = { db: { state: 'running' as const, started: true, ready: true, restartCount: 0 } }
    stream.send({ kind: 'containers', containers })
    reported.push(...request.reports)
    stream.end({ kind: 'retry', afterMs: 1, reason: 'the leader is changing' })
    return () => undefined
  },
  report: async (_identity, request) => void reported.push(...request.reports),
  takePressure: async (_identity, request) => void told.push(request.pressure),
  takeFigures: () => undefined,
  isReady: () => true,
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
    says: 'podUid: "uid-2" is not the pod of this token; use uid-1',
  },
  'an unknown gate': {
    over: { gate: 'startgate-end' },
    status: 400,
    code: 'UNKNOWN_GATE',
    says: 'gate: "startgate-end" is not a valid gate; use startgate-pull, startgate-start or startgate-start-NAME',
  },
  'a body that is no object': { over: { payload: [] }, status: 400, code: 'BAD_REQUEST', says: 'podUid' },
  'attempt zero': {
    over: { payload: { ...body, attempt: 0 } },
    status: 400,
    code: 'BAD_REQUEST',
    says: 'attempt: "0" is not a valid attempt; use a whole number',
  },
  'a short nonce': { over: { payload: { ...body, nonce: 'x' } }, status: 400, code: 'BAD_REQUEST', says: 'nonce' },
  'pressure that is none': {
    over: { payload: { ...body, pressure: { cpu: 1e9 } } },
    status: 400,
    code: 'BAD_REQUEST',
    says: 'pressure.cpu: "1000000000" is not a valid percentage; use',
  },
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

const askAs = (url: string, payload: object) =>
  buildServer(deps).inject({
    method: 'POST',
    url,
    headers: { authorization: 'Bearer good', 'content-type': 'application/json' },
    payload: JSON.stringify(payload),
  })
const report: AgentReport = { container: 'db', state: 'starting', extendUntilMs: 5_000, status: 'Loading', errno: 2 }

test('an agent tells what it knows and hears what the pod status says', async () => {
  reported.length = 0
  const answer = await askAs('/v1/agent', { ...body, reports: [report] })
  const lines = answer.body
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.map(line => line.kind)).toEqual(['containers', 'retry'])
  expect(reported).toEqual([report])
})

test('a report is taken in whole but for what no agent sends', async () => {
  reported.length = 0
  const odd = { ...report, more: 1, errno: 'x', extendUntilMs: -1, status: 's'.repeat(1_000) }
  const answer = await askAs('/v1/reports', { podUid: 'uid-1', attempt: 1, reports: [odd] })
  expect([answer.statusCode, answer.json()]).toEqual([200, {}])
  expect(reported).toEqual([{ container: 'db', state: 'starting', status: 's'.repeat(256) }])
})

test.each([
  ['another pod', { podUid: 'uid-2', attempt: 1, reports: [] }, 403],
  ['no reports', { podUid: 'uid-1', attempt: 1 }, 400],
  ['an unknown state', { podUid: 'uid-1', attempt: 1, reports: [{ container: 'db', state: 'fine' }] }, 400],
  ['a container without a name', { podUid: 'uid-1', attempt: 1, reports: [{ state: 'ready' }] }, 400],
])('reports with %s are refused', async (_, payload, status) => {
  expect((await askAs('/v1/reports', payload)).statusCode).toBe(status)
})

test('a gate tells the pressure on its node; what else it sends is left out', async () => {
  told.length = 0
  const answer = await askAs('/v1/pressure', { podUid: 'uid-1', pressure: { cpu: 87.5, io: 0, disk: 3 } })
  expect([answer.statusCode, answer.json(), told]).toEqual([200, {}, [{ cpu: 87.5, io: 0 }]])
})

test.each([
  ['another pod', { podUid: 'uid-2', pressure: { cpu: 1 } }, 403, 'uid-2'],
  ['no pod', { pressure: { cpu: 1 } }, 400, "podUid is missing; use the pod's metadata.uid"],
  [
    'a text',
    { podUid: 'uid-1', pressure: { cpu: '87' } },
    400,
    'pressure.cpu: "87" is not a valid percentage; use a number from 0 to 100',
  ],
  [
    'less than none',
    { podUid: 'uid-1', pressure: { io: -1 } },
    400,
    'pressure.io: "-1" is not a valid percentage; use',
  ],
  [
    'more than all',
    { podUid: 'uid-1', pressure: { memory: 101 } },
    400,
    'pressure.memory: "101" is not a valid percentage; use',
  ],
  [
    'a node busier than it can be',
    { podUid: 'uid-1', pressure: {}, busy: 1.5 },
    400,
    'busy: "1.5" is not a valid part',
  ],
])('pressure of %s is refused', async (_, payload, status, says) => {
  const answer = await askAs('/v1/pressure', payload)
  expect([answer.statusCode, answer.json().message]).toEqual([status, expect.stringContaining(says)])
})

test('pressure of a pod without a token is refused', async () => {
  const answer = await buildServer(deps).inject({ method: 'POST', url: '/v1/pressure', payload: { podUid: 'uid-1' } })
  expect(answer.statusCode).toBe(401)
})

test('a gate of a sequenced pod is a gate', async () => {
  expect((await ask({ gate: 'startgate-start-db' })).statusCode).toBe(200)
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

test('health and readiness answer', async () => {
  const server = buildServer({ ...deps, isReady: () => false })
  const statuses = await Promise.all(
    ['/healthz', '/readyz', '/nowhere'].map(async url => (await server.inject({ url })).statusCode),
  )
  expect(statuses).toEqual([200, 503, 404])
})

test('a fault tells the caller nothing of what is inside', async () => {
  const report = async () => Promise.reject(new Error('leases "start.uid-2.1" is forbidden'))
  const answer = await buildServer({ ...deps, report }).inject({
    method: 'POST',
    url: '/v1/reports',
    headers: { authorization: 'Bearer good' },
    payload: { podUid: 'uid-1', attempt: 1, reports: [] },
  })
  const message = 'the lease service failed on this request; try again, its log says why'
  expect([answer.statusCode, answer.json()]).toEqual([500, { code: 'INTERNAL', message }])
})
