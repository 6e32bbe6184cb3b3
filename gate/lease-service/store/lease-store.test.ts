import { describe, expect, test } from 'vitest'
import { grantFor, leaseStoreContract } from './lease-store.contract.ts'
import { createKubernetesStore } from './lease-store.kubernetes.ts'
import { MemoryLeaseApi } from './lease-store.memory.ts'

describe('on the memory API', () =>
  leaseStoreContract(async () => createKubernetesStore(new MemoryLeaseApi(), 'startgate-system')))

test('a create whose answer was lost is found and taken over', async () => {
  const api = new MemoryLeaseApi()
  const store = createKubernetesStore(api, 'startgate-system')
  api.nextFault = 'after'
  await expect(store.put(grantFor('a'))).rejects.toMatchObject({ reason: 'Timeout' })
  const version = await store.put(grantFor('a'))
  expect((await store.list()).stored).toEqual([{ grant: grantFor('a'), version }])
})

test('an object with our label that holds no grant is named, not counted', async () => {
  const api = new MemoryLeaseApi()
  await api.createLease({
    metadata: { name: 'start-x', namespace: 'startgate-system', labels: { 'startgate.dev/resource': 'start' } },
    spec: {},
  })
  const { stored, foreign } = await createKubernetesStore(api, 'startgate-system').list()
  expect([stored, foreign.map(({ name }) => name)]).toEqual([[], ['start-x']])
})
