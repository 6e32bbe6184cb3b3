import { expect, test } from 'vitest'
import type { Node } from '../../core/pod.ts'
import { podOf } from '../testing/facts.ts'
import { NodeImages } from './node-images.ts'

interface Facts {
  images?: string[]
  labels?: Record<string, string>
  ready?: string
  unschedulable?: boolean
}
const node = (name: string, { images = [], labels = {}, ready = 'True', unschedulable = false }: Facts): Node => ({
  metadata: { name, labels },
  spec: { unschedulable },
  status: { conditions: [{ type: 'Ready', status: ready }], images: [{ names: images }] },
})
const A = 'docker.io/library/a:1'
const gpu = { pool: 'gpu' }
const cases: Record<string, { nodes: Node[]; spec?: object; want: boolean }> = {
  'no node is not every node': { nodes: [], want: false },
  'all have it': { nodes: [node('x', { images: [A] }), node('y', { images: ['b', A] })], want: true },
  'one has not': { nodes: [node('x', { images: [A] }), node('y', {})], want: false },
  'the one without is cordoned': { nodes: [node('x', { images: [A] }), node('y', { unschedulable: true })], want: true },
  'the one without is not Ready': { nodes: [node('x', { images: [A] }), node('y', { ready: 'Unknown' })], want: true },
  'the selector leaves those with it': { nodes: [node('x', { images: [A], labels: gpu }), node('y', {})], spec: { nodeSelector: gpu }, want: true },
  'the selector leaves none': { nodes: [node('x', { images: [A] })], spec: { nodeSelector: gpu }, want: false },
  'the named node has it, Ready or not': { nodes: [node('x', { images: [A], ready: 'False' }), node('y', {})], spec: { nodeName: 'x' }, want: true },
  'the named node is not known': { nodes: [node('x', { images: [A] })], spec: { nodeName: 'z' }, want: false },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', (_, { nodes, spec = {}, want }) => {
  const images = new NodeImages()
  for (const each of nodes) images.set(each)
  expect(images.everywhereFor(podOf(spec))(A)).toBe(want)
})

test('a node that went away no longer counts', () => {
  const images = new NodeImages()
  images.set(node('x', { images: [A] }))
  images.set(node('y', {}))
  images.delete('y')
  expect(images.everywhereFor(podOf())(A)).toBe(true)
})
