import { describe, expect, test } from 'vitest'
import {
  isAlreadyExists,
  isAmbiguous,
  isConflict,
  isGone,
  isNotFound,
  KubeError,
  kubeErrorOfAnswer,
} from './kube-error.ts'

const predicates = { isNotFound, isConflict, isAlreadyExists, isGone, isAmbiguous }

describe('what an error says', () => {
  const lost = (reason: string) => new KubeError('', { status: 0, reason })
  const cases: Record<string, { error: unknown; want: (keyof typeof predicates)[] }> = {
    'no such object': { error: kubeErrorOfAnswer('x', 404, '{"reason":"NotFound"}'), want: ['isNotFound'] },
    'a lost race': { error: kubeErrorOfAnswer('x', 409, '{"reason":"Conflict"}'), want: ['isConflict'] },
    'a name taken': { error: kubeErrorOfAnswer('x', 409, '{"reason":"AlreadyExists"}'), want: ['isAlreadyExists'] },
    'too old': { error: kubeErrorOfAnswer('x', 410, '{"reason":"Expired"}'), want: ['isGone'] },
    'too old, from a proxy': { error: kubeErrorOfAnswer('x', 410, '<html>'), want: ['isGone'] },
    'a sick server may have written': { error: kubeErrorOfAnswer('x', 504, ''), want: ['isAmbiguous'] },
    'no answer may have written': { error: lost('Timeout'), want: ['isAmbiguous'] },
    'a lost connection may have written': { error: lost('ConnectionLost'), want: ['isAmbiguous'] },
    'no connection has written nothing': { error: lost('ConnectionRefused'), want: [] },
    'no rights': { error: kubeErrorOfAnswer('x', 403, '{"reason":"Forbidden"}'), want: [] },
    'an error of another kind': { error: new Error('404'), want: [] },
  }
  test.each(Object.entries(cases))('%s', (_, { error, want }) => {
    const got = Object.entries(predicates).flatMap(([name, holds]) => (holds(error) ? [name] : []))
    expect(got).toEqual(want)
  })
})

test("the message names the request, the status and the server's words", () => {
  const error = kubeErrorOfAnswer('GET /api/v1/pods', 403, '{"reason":"Forbidden","message":"pods is forbidden"}')
  expect(error.message).toBe('GET /api/v1/pods: 403 Forbidden: pods is forbidden')
  expect(error).toMatchObject({ code: 'KUBE_API', status: 403, reason: 'Forbidden' })
})
