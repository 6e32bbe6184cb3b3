import { expect, test } from 'vitest'
import type { Node } from '../../../core/pod.ts'
import { imageKeyOf } from './image-key.ts'
import { nodeFactsOf } from './node-facts.ts'

const node = (annotations: Record<string, string>, status: Node['status'] = {}): Node => ({
  metadata: { name: 'n', annotations },
  status,
})

test('a node tells cores, images by their full names, and whether its kubelet is heard of', () => {
  const facts = nodeFactsOf(
    node(
      {},
      {
        capacity: { cpu: '7500m' },
        images: [{ names: ['nginx', 'quay.io/x/y:2'] }, {}],
        conditions: [{ type: 'Ready', status: 'Unknown' }],
      },
    ),
  )
  expect(facts).toEqual({
    cores: 7.5,
    lost: true,
    images: new Set(['docker.io/library/nginx:latest', 'quay.io/x/y:2'].map(imageKeyOf)),
  })
})

test('a node that is not ready, but heard of, is not lost', () => {
  expect(nodeFactsOf(node({}, { conditions: [{ type: 'Ready', status: 'False' }] })).lost).toBe(false)
})

test('a bad annotation keeps the last good value, an absent one clears it', () => {
  const key = 'startgate.dev/max-starting-per-node'
  const first = nodeFactsOf(node({ [key]: '3' }))
  expect(first.maxStartingPerNode).toBe(3)
  expect(nodeFactsOf(node({ [key]: 'many' }), first).maxStartingPerNode).toBe(3)
  expect(nodeFactsOf(node({}), first).maxStartingPerNode).toBeUndefined()
})

test('a maximum of pressure is kept and cleared like the others', () => {
  const key = 'startgate.dev/max-pressure'
  const first = nodeFactsOf(node({ [key]: 'cpu: 80' }))
  expect(first.maxPressure).toEqual({ cpu: 80 })
  expect(nodeFactsOf(node({ [key]: '80' }), first).maxPressure).toEqual({ cpu: 80 })
  expect(nodeFactsOf(node({}), first).maxPressure).toBeUndefined()
})

test('an annotation that names a fact which is no setting keeps nothing', () => {
  const first = nodeFactsOf(node({}, { capacity: { cpu: '8' } }))
  const key = 'startgate.dev/cores'
  expect(nodeFactsOf(node({ [key]: '8' }, { capacity: { cpu: '2' } }), first).cores).toBe(2)
})
