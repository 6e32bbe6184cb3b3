import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { createKubeClient, type KubeClient } from '../../core/kube/client.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { scratch } from '../cluster/step-cache.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { pod } from '../harness/pod-templates.ts'
import { podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

/** The API server as one of startgate's programs reaches it. */
function clientOf(account: string): Promise<KubeClient> {
  return scratch('account', async dir => {
    const token = await session.kubectl.text(['create', 'token', account, '-n', SYSTEM_NAMESPACE])
    const config = await session.kubectl.json<{ users: { user: object }[] }>(['config', 'view', '--raw'])
    for (const entry of config.users) entry.user = { token }
    const kubeconfig = join(dir, 'kubeconfig')
    await writeFile(kubeconfig, JSON.stringify(config))
    return createKubeClient({ kubeconfig })
  })
}

test('of a pod the lease service may change its own conditions, and the API server refuses it all the rest', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'status' })
  await namespace.apply([pod('app', { image: APP_IMAGE })])
  await podIs(observer, [namespace.name, 'app'], { phase: 'ready' }, limits.podReady)

  const { transport } = await clientOf('startgate-lease-service')
  /**
   * What the API server says to this patch; empty when it takes it. Not by kubectl, which would get the status first.
   */
  const saidTo = (body: object): Promise<string> => {
    const path = `/api/v1/namespaces/${namespace.name}/pods/app/status`
    const contentType = 'application/strategic-merge-patch+json'
    return transport.request({ method: 'PATCH', path, body, contentType }).then(() => '', String)
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
