import { expect, test } from 'vitest'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import type { Grant } from '../model/grant.ts'
import { type Holding, holdersOf, nothingSeen } from '../pods/slot-release.ts'
import { decodeLease, encodeLease } from './lease-codec.ts'
import { completedGrant } from './lease-fallback.ts'

const uid = '0b0e8d1c-6f1e-4d0a-9d5b-1f7c2f3a4b5c'
const whole: Grant = {
  key: `start.${uid}.1`,
  resource: 'start',
  gate: 'startgate-start',
  attempt: 1,
  podUid: uid,
  podName: 'web-1',
  namespace: 'shop',
  nodeName: 'worker-1',
  containers: ['app', 'proxy'],
  slots: 2,
  images: [],
  priority: 0,
  createdAtMs: 0,
  term: 3,
  grantedAtMs: 0,
  timeoutMs: 120_000,
  staleContainerIds: [],
}
const ended = (name: string): ContainerStatus => ({
  name,
  ready: true,
  restartCount: 0,
  state: { terminated: { exitCode: 0, containerID: `c://${name}`, message: '{"attempt":1}' } },
})
const ready = (name: string): ContainerStatus => ({
  name,
  ready: true,
  started: true,
  restartCount: 0,
  containerID: `c://${name}`,
  state: { running: {} },
})
const started: Pod = {
  metadata: { uid, name: 'web-1', namespace: 'shop' },
  spec: { containers: ['app', 'proxy'].map(name => ({ name, readinessProbe: {} })) },
  status: {
    phase: 'Running',
    initContainerStatuses: [ended('startgate-start'), ended('startgate-pull')],
    containerStatuses: [ready('app'), ready('proxy')],
  },
}

function heldAt(grant: Grant, nowMs: number, pod: Pod = started): Holding['holders'] {
  return holdersOf(grant, { pod, seen: nothingSeen(0), nodeLost: false, settleMs: 0 }, nowMs).holders
}

const unread = (grant: Grant): Grant => {
  const completed = completedGrant(encodeLease(grant, 'startgate-system'), {})
  if (!completed) throw new Error('the Lease says whose slots it holds')
  return completed
}

test('slots of containers that are not known are held until the timeout, also when all that is shown has started', () => {
  expect(heldAt(whole, 1_000)).toEqual([])
  expect(heldAt(unread(whole), 119_999)).toHaveLength(2)
  expect(heldAt(unread(whole), 120_000)).toEqual([])
})

test('a pull whose steps are not known is held until the timeout', () => {
  const pull: Grant = {
    ...whole,
    key: `pull.${uid}.1`,
    resource: 'pull',
    gate: 'startgate-pull',
    slots: 1,
    containers: [],
  }
  expect(heldAt(pull, 1_000)).toEqual([])
  expect(heldAt(unread(pull), 119_999)).toHaveLength(1)
})

test('a pod that has finished holds none of them', () => {
  const finished = { ...started, status: { ...started.status, phase: 'Succeeded' as const } }
  expect(heldAt(unread(whole), 1_000, finished)).toEqual([])
})

test('1,500 slots are counted, though their grant cannot be read and this version gates no such pod', () => {
  expect(unread({ ...whole, slots: 1_500 })).toMatchObject({ slots: 1_500, nodeName: 'worker-1' })
})

const rider: Grant = {
  ...whole,
  key: `pull.${uid}.1`,
  resource: 'pull',
  gate: 'startgate-pull',
  slots: 0,
  isRider: true,
  images: ['docker.io/sha256-0123456789abcdef0123456789abcdef'],
}
/** As another version wrote it, of which only these fields are understood. */
const readOf = (grant: Grant, ...fields: (keyof Grant)[]): Grant | undefined => {
  const { metadata, spec = {} } = encodeLease(grant, 'startgate-system')
  const known = Object.fromEntries(fields.map(field => [field, grant[field]]))
  return decodeLease({ metadata: { ...metadata, annotations: { 'startgate.dev/grant': JSON.stringify(known) } }, spec })
}

test('a pull that shares another one holds no slot where its images are known, else one', () => {
  const shared = { slots: 0, isRider: true, images: rider.images, podName: 'web-1', nodeName: 'worker-1' }
  expect(readOf(rider, 'images')).toMatchObject(shared)
  expect(readOf(rider, 'images', 'slots', 'isRider')).toMatchObject(shared)
  for (const read of [readOf(rider), readOf(rider, 'slots', 'isRider', 'nodeName')]) {
    expect(read).toMatchObject({ slots: 1, images: [], podName: 'web-1', nodeName: 'worker-1' })
    expect(read).not.toHaveProperty('isRider')
  }
})
