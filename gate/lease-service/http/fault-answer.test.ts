import { pino } from 'pino'
import { expect, test } from 'vitest'
import { RefusedError } from '../model/refusal.ts'
import { answerOf, countedAnswerOf } from './fault-answer.ts'

const INTERNAL = 'the lease service failed on this request; try again, its log says why'
const withStatus = (statusCode: unknown) => Object.assign(new Error('from inside'), { statusCode })

test.each([
  ['a refusal', new RefusedError(403, 'NO_WAITER', 'no'), { status: 403, code: 'NO_WAITER', message: 'no' }],
  ['a body too large', withStatus(413), { status: 413, code: 'BAD_REQUEST', message: 'from inside' }],
  ['a fault', new Error('leases.coordination.k8s.io'), { status: 500, code: 'INTERNAL', message: INTERNAL }],
  ['a fault of fastify', withStatus(503), { status: 503, code: 'INTERNAL', message: INTERNAL }],
  ['a fault with a status that is none', withStatus('413'), { status: 500, code: 'INTERNAL', message: INTERNAL }],
  ['what is no error', 'from inside', { status: 500, code: 'INTERNAL', message: INTERNAL }],
])('the answer to %s', (_, error, want) => {
  expect(answerOf(error)).toEqual(want)
})

test('each is counted by its code, and a fault of ours is logged with what was asked', () => {
  const [codes, lines] = [[] as string[], [] as string[]]
  const log = pino({ base: null, timestamp: false }, { write: line => void lines.push(line) })
  const deps = { refused: (code: string) => void codes.push(code), log }
  const about = { method: 'POST', path: '/v1/reports' }
  countedAnswerOf(new RefusedError(403, 'NO_WAITER', 'no'), about, deps)
  countedAnswerOf(withStatus(413), about, deps)
  countedAnswerOf(new Error('from inside'), about, deps)
  expect(codes).toEqual(['NO_WAITER', 'BAD_REQUEST', 'INTERNAL'])
  expect(lines.map(line => JSON.parse(line))).toEqual([
    { level: 50, ...about, error: 'from inside', msg: 'request failed' },
  ])
})
