import { pino } from 'pino'
import { expect, test } from 'vitest'
import { KubeError } from '../../../core/kube/kube-error.ts'
import { NOT_WAITING } from '../pods/waiting-condition.ts'
import { madePod } from '../testing/made-pods.ts'
import { patchCondition } from './condition-patch.ts'

test.each([
  { status: 0, isPassing: true, isGone: false, isOfPod: false },
  { status: 400, isPassing: false, isGone: false, isOfPod: true },
  { status: 401, isPassing: true, isGone: false, isOfPod: false },
  { status: 403, isPassing: false, isGone: false, isOfPod: true },
  { status: 404, isPassing: false, isGone: true, isOfPod: true },
  { status: 409, isPassing: true, isGone: false, isOfPod: true },
  { status: 422, isPassing: false, isGone: true, isOfPod: true },
  { status: 429, isPassing: true, isGone: false, isOfPod: false },
  { status: 503, isPassing: true, isGone: false, isOfPod: false },
])('what a failed write says of the pod, and of others: $status', async ({ status, ...want }) => {
  const transport = {
    request: () => Promise.reject(new KubeError('no', { status, reason: 'Unknown' })),
  }
  const failure = await patchCondition({ transport, log: pino({ level: 'silent' }) }, madePod('a'), NOT_WAITING)
  expect(failure).toEqual({ ...want, retryAfterMs: undefined })
})
