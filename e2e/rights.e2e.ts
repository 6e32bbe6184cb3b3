import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from './cluster/cluster.ts'
import { CommandError } from './cluster/command.ts'
import { SYSTEM_NAMESPACE } from './framework/install.ts'
import { limits } from './framework/limits.ts'
import { podIs } from './framework/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from './framework/session.ts'
import { waitFor } from './framework/wait-for.ts'
import { pod } from './framework/workloads.ts'

const accountOf = (part: string) => `system:serviceaccount:${SYSTEM_NAMESPACE}:startgate-${part}`

let session: Session
beforeAll(async () => {
  session = await openSession()
})

test('of a pod the lease service may change its own conditions, and the API server refuses it all the rest', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'status' })
  await namespace.apply([pod('app', { image: APP_IMAGE })])
  await podIs(observer, [namespace.name, 'app'], { phase: 'ready' }, limits.podReady)

  /** What the API server says to this patch; empty when it takes it. */
  const saidTo = (patch: object): Promise<string> => {
    const args = ['patch', 'pod', 'app', '-n', namespace.name, '--subresource=status', '--type=strategic']
    const as = [`--as=${accountOf('lease-service')}`, `--patch=${JSON.stringify(patch)}`]
    return session.kubectl.run([...args, ...as]).then(
      () => '',
      (error: unknown) => {
        if (error instanceof CommandError) return error.result.stderr
        throw error
      },
    )
  }
  const condition = (type: string, status: string) => ({ status: { conditions: [{ type, status, reason: 'Test' }] } })
  const refused: Record<string, [object, RegExp]> = {
    'a label': [{ metadata: { labels: { app: 'other' } } }, /not a pod's metadata/],
    'a label more': [{ metadata: { labels: { 'startgate.dev/inject': 'false' } } }, /not a pod's metadata/],
    'a label less': [{ metadata: { labels: { app: null } } }, /not a pod's metadata/],
    'an annotation': [{ metadata: { annotations: { note: 'x' } } }, /not a pod's metadata/],
    'a finalizer': [{ metadata: { finalizers: ['startgate.dev/hold'] } }, /not a pod's metadata/],
    "the kubelet's condition": [condition('Ready', 'False'), /conditions named startgate.dev\/… only/],
    "somebody else's condition": [condition('example.com/Ready', 'True'), /conditions named startgate.dev\/… only/],
    'a condition less': [
      { status: { conditions: [{ $patch: 'delete', type: 'Ready' }] } },
      /conditions named startgate.dev\/… only/,
    ],
    'the phase': [{ status: { phase: 'Failed' } }, /no other field of a pod's status/],
    'a field that was not there': [{ status: { reason: 'Evicted' } }, /no other field of a pod's status/],
    'its own condition and a label': [
      { metadata: { labels: { app: 'other' } }, ...condition('startgate.dev/Started', 'True') },
      /not a pod's metadata/,
    ],
  }
  // The API server takes some time to know a policy.
  const isInForce = async () => (await saidTo({ metadata: { labels: { probe: 'x' } } })) !== ''
  await waitFor('the policy is in force', isInForce, limits.settingSeen)
  for (const [what, [patch, want]] of Object.entries(refused)) expect(await saidTo(patch), what).toMatch(want)

  for (const status of ['False', 'True']) expect(await saidTo(condition('startgate.dev/Started', status))).toBe('')
  expect(await saidTo(condition('startgate.dev/Waiting', 'True'))).toBe('')
  const { status } = await namespace.get<{ status: { conditions: { type: string; status: string }[] } }>(['pod', 'app'])
  expect(status.conditions).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: 'startgate.dev/Started', status: 'True' }),
      expect.objectContaining({ type: 'startgate.dev/Waiting', status: 'True' }),
      expect.objectContaining({ type: 'Ready', status: 'True' }),
    ]),
  )
})
