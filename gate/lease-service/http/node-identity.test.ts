import { expect, test } from 'vitest'
import type { TokenVerdict } from '../../../core/kube/token-review.ts'
import type { Pod } from '../../../core/pod.ts'
import { madeToken } from '../testing/made-token.ts'
import { createNodeIdentity } from './node-identity.ts'

const account = 'system:serviceaccount:startgate-system:startgate-node-waiter'
const good: TokenVerdict = {
  authenticated: true,
  audiences: ['startgate.dev'],
  username: account,
  podName: 'waiter-1',
  podUid: 'uid-1',
  nodeName: 'worker-1',
}
const { nodeName: _, ...older } = good
const { podUid: __, ...unbound } = good
const pod = (uid: string, nodeName?: string): Pod =>
  ({ metadata: { uid }, spec: { ...(nodeName && { nodeName }), containers: [] } }) as Pod
const token = madeToken({ namespace: 'startgate-system', podName: 'waiter-1' })

function made(verdict: TokenVerdict, shown?: Pod) {
  const reviews: string[] = []
  const identify = createNodeIdentity({
    review: async reviewed => {
      reviews.push(reviewed)
      return verdict
    },
    getPod: async () => shown,
    namespace: 'startgate-system',
    account: 'startgate-node-waiter',
  })
  return { identify, reviews }
}

test('a waiter is of the node that the API server says', async () => {
  expect(await made(good).identify(token, '192.0.2.1')).toEqual({ nodeName: 'worker-1' })
})

test('where a review names no node, the pod does', async () => {
  const { identify } = made(older, pod('uid-1', 'worker-3'))
  expect(await identify(token, '192.0.2.1')).toEqual({ nodeName: 'worker-3' })
})

test.each<[string, TokenVerdict, Pod | undefined, string]>([
  [
    'of another account',
    { ...good, username: 'system:serviceaccount:startgate-system:default' },
    undefined,
    'NO_WAITER',
  ],
  ['that the API server refuses', { ...good, authenticated: false }, undefined, 'TOKEN_INVALID'],
  ['for another audience', { ...good, audiences: ['api'] }, undefined, 'TOKEN_AUDIENCE'],
  ['bound to no pod', unbound, undefined, 'TOKEN_UNBOUND'],
  ['of a pod that is gone', older, undefined, 'NO_WAITER'],
  ['of a pod whose name another has', older, pod('uid-2', 'worker-3'), 'NO_WAITER'],
  ['of a pod on no node', older, pod('uid-1'), 'NO_WAITER'],
])('a token %s is refused', async (_, verdict, shown, code) => {
  await expect(made(verdict, shown).identify(token, '192.0.2.1')).rejects.toMatchObject({ code })
})

test('a token of another namespace costs no review', async () => {
  const { identify, reviews } = made(good)
  await expect(identify(madeToken(), '192.0.2.1')).rejects.toMatchObject({
    code: 'NO_WAITER',
    message: "this token is no waiter's; use one of service account startgate-system/startgate-node-waiter",
  })
  expect(reviews).toEqual([])
})
