import { pino } from 'pino'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { createKubeClient } from '../../core/kube/client.ts'
import { createListWatch } from '../../core/kube/list-watch.ts'
import type { KubeObject } from '../../core/kube/store.ts'
import type { LoopEnd, LoopPlan } from '../../core/kube/watch-plan.ts'
import { ApiProxy } from '../clients/api-proxy.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { controlPlane, signal } from '../faults/node-processes.ts'
import { Kubectl } from '../harness/kubectl.ts'
import { openCluster } from '../harness/session.ts'
import { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

let cluster: Cluster
let kubectl: Kubectl
beforeAll(async () => {
  cluster = await openCluster()
  kubectl = new Kubectl(cluster.env)
})

interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

/**
 * Our list-watch on the ConfigMaps of a namespace, by a way that can be broken, and what its events alone have told.
 */
async function watching({ idleTimeoutMs }: { idleTimeoutMs?: number } = {}) {
  const namespace = await TestNamespace.create(kubectl, 'watch')
  onTestFinished(() => namespace.remove(), 300_000)
  const proxy = await ApiProxy.start(cluster.kubeconfig)
  onTestFinished(() => proxy.close())
  const client = createKubeClient({ kubeconfig: proxy.kubeconfig })
  let lists = 0
  const steps: { end: LoopEnd; plan: LoopPlan }[] = []
  const transport: typeof client.transport = {
    ...client.transport,
    // Pages are asked for only where the server refuses to stream the list.
    openStream: call => {
      if (call.query?.sendInitialEvents) lists++
      return client.transport.openStream(call)
    },
  }
  const told = new Map<string, string>()
  const watch = createListWatch<ConfigMap>({
    client: { transport },
    path: `/api/v1/namespaces/${namespace.name}/configmaps`,
    onChange: ({ metadata, data }) => void told.set(metadata.name ?? '', data?.value ?? ''),
    onDelete: ({ metadata }) => void told.delete(metadata.name ?? ''),
    log: pino({ level: 'debug' }, { write: line => void (line.includes('"plan"') && steps.push(JSON.parse(line))) }),
    clock: systemClock,
    random: Math.random,
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
  })
  onTestFinished(() => watch.stop())
  watch.start()
  await watch.synced
  // Every namespace has one that Kubernetes puts there when it likes.
  const all = () => new Map([...told].filter(([name]) => name !== 'kube-root-ca.crt'))
  const put = (name: string, value: string) =>
    namespace.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } }])
  const remove = (name: string) => kubectl.run(['delete', 'configmap', name, '-n', namespace.name])
  const tells = (want: Record<string, string>) =>
    waitFor(
      `the watch tells ${JSON.stringify(want)}`,
      () => all().size === Object.keys(want).length && Object.entries(want).every(([k, v]) => all().get(k) === v),
      limits.watchCaughtUp,
    )
  return { proxy, put, remove, tells, lists: () => lists, steps }
}

test('connections that break again and again lose no change and cost no new list', async () => {
  const { proxy, put, remove, tells, lists } = await watching()
  for (let round = 0; round < 4; round++) {
    await put('kept', `${round}`)
    proxy.breakAll()
    await put(`round-${round}`, 'new')
    await tells({ kept: `${round}`, [`round-${round}`]: 'new' })
    await remove(`round-${round}`)
  }
  await tells({ kept: '3' })
  expect(lists()).toBe(1)
})

test('a connection that goes silent without ending is given up, and what was missed is told', async () => {
  const { proxy, put, tells } = await watching({ idleTimeoutMs: 5_000 })
  await put('before', '1')
  await tells({ before: '1' })
  proxy.silenceAll()
  await put('after', '1')
  await tells({ before: '1', after: '1' })
})

test('a slow API server is waited for', async () => {
  const { proxy, put, remove, tells } = await watching()
  proxy.delayMs = 2_000
  await put('a', '1')
  await tells({ a: '1' })
  proxy.breakAll()
  await put('b', '1')
  await remove('a')
  await tells({ b: '1' })
})

test('an API server that was killed and has lost the history: the differences are told after a new list', async () => {
  const { proxy, put, remove, tells, lists, steps } = await watching()
  for (const name of ['kept', 'changed', 'deleted']) await put(name, '1')
  await tells({ kept: '1', changed: '1', deleted: '1' })
  proxy.hold()
  await remove('deleted')
  await put('changed', '2')
  await put('new', '1')
  const server = await controlPlane(cluster, kubectl, 'kube-apiserver')
  await signal(cluster, server, 'KILL')
  const isBack = async () => (await kubectl.text(['get', '--raw', '/readyz'])) === 'ok'
  await waitFor('the API server is ready again', isBack, limits.apiServerBack)
  await put('new', '2')
  // Its watch goes on from a version that the API server does not keep any more.
  proxy.release()
  await tells({ kept: '1', changed: '2', new: '2' })
  expect(lists()).toBe(2)
  // Not only because watches failed again and again, which ends in a list too.
  expect(steps.filter(({ end }) => end.kind === 'Expired').map(({ plan }) => plan.next)).toEqual(['list'])
})
