import { expect, test } from 'vitest'
import type { Pod } from '../../../core/pod.ts'
import { imageKeyOf } from './image-key.ts'
import { imagesShownBy, ShownImages } from './shown-images.ts'

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
  const images = new ShownImages()
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
