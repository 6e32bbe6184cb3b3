import { expect, test } from 'vitest'
import type { Node, Pod } from '../../../core/pod.ts'
import { imageKeyOf } from './image-key.ts'
import { nodeFactsOf } from './node-facts.ts'
import { imagesShownBy, NodeImages } from './node-images.ts'

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

const shows = (status: Pod['status'], uid = 'u'): Pod => ({
  metadata: { uid },
  spec: { nodeName: 'n', containers: [{ name: 'app', image: 'nginx' }] },
  ...(status && { status }),
})
const statusOf = (state: object, imageID = 'sha256:1') => ({
  containerStatuses: [{ name: 'app', ready: false, restartCount: 0, imageID, state }],
})

const cases: Record<string, { pod: Pod; want: string[] }> = {
  'a running container had its image': {
    pod: shows(statusOf({ running: {} })),
    want: ['docker.io/library/nginx:latest'],
  },
  'one that ran had it': {
    pod: shows(statusOf({ terminated: { exitCode: 0, containerID: 'c' } })),
    want: ['docker.io/library/nginx:latest'],
  },
  'one that waits tells nothing': { pod: shows(statusOf({ waiting: { reason: 'ErrImagePull' } })), want: [] },
  'without an image ID it tells nothing': { pod: shows(statusOf({ running: {} }, '')), want: [] },
  'a record that the runtime lost tells nothing': { pod: shows(statusOf({ terminated: { exitCode: 137 } })), want: [] },
  'a finished pod tells nothing': { pod: shows({ ...statusOf({ running: {} }), phase: 'Succeeded' }), want: [] },
}

test.each(Object.entries(cases))('%s', (_name, { pod, want }) => {
  expect([...imagesShownBy(pod)]).toEqual(want.map(imageKeyOf))
})

test('an image is known on a node as long as any pod shows it there', () => {
  const images = new NodeImages()
  const has = () => images.has('n', imageKeyOf('nginx'))
  images.setPod(shows(statusOf({ running: {} }), 'a'))
  images.setPod(shows(statusOf({ running: {} }), 'a'))
  images.setPod(shows(statusOf({ running: {} }), 'b'))
  expect([has(), images.has('other', imageKeyOf('nginx'))]).toEqual([true, false])
  images.removePod('a')
  expect(has()).toBe(true)
  images.setPod(shows(statusOf({ waiting: {} }), 'b'))
  expect(has()).toBe(false)
})
