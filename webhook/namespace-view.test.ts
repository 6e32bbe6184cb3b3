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
  view.constrain('ResourceQuota', { metadata: { namespace: 'shop', name: 'q' } })
  view.constrain('ResourceQuota', { metadata: { namespace: 'shop', name: 'q' } })
  view.listed('LimitRange')
  view.listed('ResourceQuota')
  expect(view.factsOf('shop')).toMatchObject({ hasLimitRange: false, hasResourceQuota: true })
  view.unconstrain('ResourceQuota', { namespace: 'shop', name: 'q' })
  expect(view.factsOf('shop')).toMatchObject({ hasLimitRange: false, hasResourceQuota: false })
})
