import { expect, test } from 'vitest'
import { NamespaceView } from './namespace-view.ts'

const shop = (annotations: Record<string, string>) => ({ metadata: { name: 'shop', annotations, labels: { a: 'b' } } })

test('a namespace keeps the last good value of an annotation, and says what is wrong', () => {
  const view = new NamespaceView()
  expect(view.set(shop({ 'startgate.dev/max-pulling': '3' }))).toEqual([])
  expect(view.set(shop({ 'startgate.dev/max-pulling': 'three' }))).toEqual([expect.stringContaining('three')])
  expect(view.factsOf('shop')).toMatchObject({ labels: { a: 'b' }, settings: { maxPulling: 3 } })
  view.delete('shop')
  expect(view.factsOf('shop')).toBeUndefined()
})

test('until they are listed, LimitRanges and quotas are taken to be there; afterwards only those seen are', () => {
  const view = new NamespaceView()
  view.set(shop({}))
  expect(view.factsOf('shop')).toMatchObject({ hasLimitRange: true, hasResourceQuota: true })
  expect(view.factsOf('shop')).not.toHaveProperty('quotaCounts')
  view.constrain('ResourceQuota', { metadata: { namespace: 'shop', name: 'q' } })
  view.constrain('ResourceQuota', { metadata: { namespace: 'shop', name: 'q' } })
  view.listed('LimitRange')
  view.listed('ResourceQuota')
  expect(view.factsOf('shop')).toMatchObject({ hasLimitRange: false, hasResourceQuota: true })
  view.unconstrain('ResourceQuota', { namespace: 'shop', name: 'q' })
  expect(view.factsOf('shop')).toMatchObject({ hasLimitRange: false, hasResourceQuota: false })
})

test('of constraints that went away nothing is kept', () => {
  const view = new NamespaceView()
  const metadata = { namespace: 'shop', name: 'q' }
  view.unconstrain('ResourceQuota', metadata)
  view.constrain('ResourceQuota', { metadata, spec: { hard: { cpu: '1' } } })
  view.constrain('ResourceQuota', { metadata: { ...metadata, name: 'r' }, spec: { hard: { cpu: '1' } } })
  view.constrain('LimitRange', { metadata })
  expect(view.constrained).toBe(2)
  view.unconstrain('LimitRange', metadata)
  view.unconstrain('ResourceQuota', metadata)
  expect(view.constrained).toBe(1)
  view.constrain('ResourceQuota', { metadata: { ...metadata, name: 'r' }, spec: { hard: { pods: '1' } } })
  expect(view.constrained).toBe(0)
})

test.each([
  [{ pods: '10', 'count/deployments.apps': '5', 'services.nodeports': '1', persistentvolumeclaims: '2' }, false],
  [{ 'requests.storage': '1Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi' }, false],
  [{ pods: '10', 'requests.cpu': '1' }, true],
  [{ memory: '1Gi' }, true],
  [{ 'requests.ephemeral-storage': '1Gi' }, true],
  [{ 'requests.nvidia.com/gpu': '1' }, true],
])('a quota of %o is one of containers: %s', (hard, want) => {
  const view = new NamespaceView()
  view.set(shop({}))
  view.listed('ResourceQuota')
  const metadata = { namespace: 'shop', name: 'q' }
  view.constrain('ResourceQuota', { metadata, spec: { hard } })
  expect(view.factsOf('shop')?.hasResourceQuota).toBe(want)
  view.constrain('ResourceQuota', { metadata, spec: { hard: { pods: '1' } } })
  expect(view.factsOf('shop')?.hasResourceQuota).toBe(false)
})

test('what all quotas of a namespace count is known by name', () => {
  const view = new NamespaceView()
  view.set(shop({}))
  view.listed('ResourceQuota')
  const quota = (name: string, hard: object) =>
    view.constrain('ResourceQuota', { metadata: { namespace: 'shop', name }, spec: { hard: { ...hard } } })
  quota('a', { 'limits.memory': '1Gi', pods: '1' })
  quota('b', { cpu: '1' })
  expect(view.factsOf('shop')?.quotaCounts).toEqual(['limits.memory', 'pods', 'cpu'])
  view.unconstrain('ResourceQuota', { namespace: 'shop', name: 'a' })
  expect(view.factsOf('shop')?.quotaCounts).toEqual(['cpu'])
})
