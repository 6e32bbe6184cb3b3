import { afterAll, beforeAll, describe } from 'vitest'
import { createKubeClient } from '../../core/kube/client.ts'
import { leaseStoreContract } from '../../gate/lease-service/store/lease-store.contract.ts'
import { createKubernetesStore } from '../../gate/lease-service/store/lease-store.kubernetes.ts'
import { Kubectl } from '../harness/kubectl.ts'
import { openCluster } from '../harness/session.ts'
import { TestNamespace } from '../harness/test-namespace.ts'

const made: TestNamespace[] = []
let kubeconfig: string
let kubectl: Kubectl
beforeAll(async () => {
  const cluster = await openCluster()
  kubeconfig = cluster.kubeconfig
  kubectl = new Kubectl(cluster.env)
})
afterAll(async () => {
  for (const namespace of made) await namespace.remove()
})

/** The same suite as on Leases in memory: what the fake promises must be what the API server does. */
describe('grants as Leases on a real API server', () => {
  leaseStoreContract(async () => {
    const namespace = await TestNamespace.create(kubectl, 'leases', { gated: false })
    made.push(namespace)
    return createKubernetesStore(createKubeClient({ kubeconfig }), namespace.name)
  })
})
