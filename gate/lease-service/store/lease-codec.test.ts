import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Lease } from '../../../core/kube/lease.ts'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import type { Grant, Ticket } from '../model/grant.ts'
import { staleContainerIds } from '../pods/container-status.ts'
import { imageKeyOf } from '../pods/image-key.ts'
import { isStale } from '../pods/stale-ids.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { decodeLease, encodeLease } from './lease-codec.ts'

const grant: Grant = {
  key: 'start.0b0e8d1c-6f1e-4d0a-9d5b-1f7c2f3a4b5c.1',
  resource: 'start',
  gate: 'startgate-start',
  attempt: 1,
  podUid: '0b0e8d1c-6f1e-4d0a-9d5b-1f7c2f3a4b5c',
  podName: 'web-1',
  namespace: 'shop',
  nodeName: 'worker-1',
  containers: ['app', 'proxy'],
  slots: 2,
  images: [],
  priority: 0,
  createdAtMs: 1_700_000_000_000,
  term: 3,
  grantedAtMs: 1_700_000_001_234,
  timeoutMs: 120_000,
  staleContainerIds: [],
}

test('a grant survives its Lease', () => {
  expect(decodeLease(encodeLease(grant, 'startgate-system'))).toEqual(grant)
})

test('kubectl get leases tells who holds what', () => {
  const { metadata, spec } = encodeLease(grant, 'startgate-system')
  expect(metadata.name).toBe('start.0b0e8d1c-6f1e-4d0a-9d5b-1f7c2f3a4b5c.1')
  expect(spec).toEqual({
    holderIdentity: 'shop/web-1: 2 start slots on worker-1',
    leaseDurationSeconds: 120,
    leaseTransitions: 3,
    acquireTime: '2023-11-14T22:13:21.234000Z',
    renewTime: '2023-11-14T22:13:21.234000Z',
  })
})

const tampered = (text: string): Lease => {
  const lease = encodeLease(grant, 'startgate-system')
  return { ...lease, metadata: { ...lease.metadata, annotations: { 'startgate.dev/grant': text } } }
}

test('a Lease whose grant belongs to another name is no grant', () => {
  expect(decodeLease(tampered(JSON.stringify({ ...grant, key: 'start.other.1' })))).toBeUndefined()
})

test('of a Lease of another version all that is understood counts, the rest is taken from its name and spec', () => {
  const { containers: _, images: __, priority: ___, ...older } = grant
  expect(decodeLease(tampered(JSON.stringify({ ...older, timeoutMs: '2m', weight: 3 })))).toEqual({
    ...grant,
    containers: ['unknown container 1 of 2', 'unknown container 2 of 2'],
  })
})

test('a Lease whose grant cannot be read at all counts as its name and spec say', () => {
  const want = {
    ...grant,
    containers: ['unknown container 1 of 2', 'unknown container 2 of 2'],
    createdAtMs: grant.grantedAtMs,
  }
  for (const text of ['', '{', '[]', 'null', '"v2:..."', '{"v2":true}'])
    expect(decodeLease(tampered(text))).toEqual(want)
})

test('the stage of a sequenced pod and a pull are told by the name', () => {
  const stage = { ...grant, key: `${grant.key}.startgate-start-db`, gate: 'startgate-start-db' } as const
  const pull = { ...grant, key: grant.key.replace('start', 'pull'), resource: 'pull', slots: 1 } as const
  const unread = (lease: Lease) => decodeLease({ ...lease, metadata: { ...lease.metadata, annotations: {} } })
  expect(unread(encodeLease(stage, 'startgate-system'))).toMatchObject({ gate: 'startgate-start-db', slots: 2 })
  expect(unread(encodeLease({ ...pull, gate: 'startgate-pull' }, 'startgate-system'))).toMatchObject({
    resource: 'pull',
    gate: 'startgate-pull',
    containers: ['unknown container 1 of 1'],
  })
})

test('one that does not say how many slots are held where is no grant', () => {
  const { metadata, spec = {} } = encodeLease(grant, 'startgate-system')
  const bare = { ...metadata, annotations: {} }
  expect(decodeLease({ metadata: bare, spec: { ...spec, holderIdentity: 'somebody' } })).toBeUndefined()
  expect(decodeLease({ metadata: { ...bare, name: 'someones' }, spec })).toBeUndefined()
  const many = { ...spec, holderIdentity: 'shop/web-1: 9999 start slots on worker-1' }
  expect(decodeLease({ metadata: bare, spec: many })).toBeUndefined()
})

test.each([{ key: 'start.other.1' }, { podUid: 'other' }, { resource: 'pull' }, { attempt: 7 }])(
  'a Lease stands for the grant in its name, though its annotation says %j and little else',
  fields => {
    const { key, podUid, resource, attempt } = grant
    expect(decodeLease(tampered(JSON.stringify(fields)))).toMatchObject({ key, podUid, resource, attempt })
  },
)

test('whatever stands in the annotation, reading it never throws, and the slots are never fewer than the spec says', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), text => {
      expect(decodeLease(tampered(text))).toMatchObject({ key: grant.key, slots: 2, namespace: 'shop' })
    }),
  )
})

const annotationOf = ({ metadata }: Lease) => metadata.annotations?.['startgate.dev/grant'] ?? ''

/** The API server takes 256 KiB for all annotations of an object. */
const ROOM = 262_144

/** As large as the webhook gates one, with names and IDs as long as they get. */
function largePod(): Pod {
  const name = (i: number) => `${'c'.repeat(58)}-${1_000 + i}`
  const indexes = Array.from({ length: 500 }, (_, i) => i)
  const status = (name: string): ContainerStatus => ({
    name,
    ready: false,
    restartCount: 1,
    containerID: `containerd://${'a'.repeat(64)}${name}`,
    lastState: { terminated: { exitCode: 1, containerID: `containerd://${'b'.repeat(64)}${name}` } },
  })
  const image = (i: number) => `${'r'.repeat(40)}.example/${'i'.repeat(i === 0 ? 270_000 : 200)}:${i}`
  return {
    metadata: { uid: 'u', name: 'p', namespace: 'shop' },
    spec: {
      nodeName: 'n',
      initContainers: [{ name: 'startgate-pull' }, { name: 'startgate-start' }],
      containers: indexes.map(i => ({ name: name(i), image: image(i) })),
    },
    status: { containerStatuses: indexes.map(i => status(name(i))) },
  }
}

test.each(['startgate-pull', 'startgate-start'] as const)('the largest pod’s grant by %s has room in a Lease', gate => {
  const pod = largePod()
  const ticket = ticketOf(pod, { gate, attempt: 1 }) as Ticket
  const staleIds = staleContainerIds(pod, ticket)
  const given = { ...grant, ...ticket, staleContainerIds: staleIds }
  const lease = encodeLease(given, 'startgate-system')
  expect(annotationOf(lease).length).toBeLessThan(ROOM)
  const read = decodeLease(lease)
  expect(read).toEqual(given)
  const isKnown = (id = '') => isStale(read as Grant, id)
  const statuses = gate === 'startgate-start' ? (pod.status?.containerStatuses ?? []) : []
  for (const { containerID, lastState } of statuses)
    expect([isKnown(containerID), isKnown(lastState?.terminated?.containerID)]).toEqual([true, true])
  expect(isKnown('containerd://new')).toBe(false)
})

test('a Lease of the version before, which held names of images, is read as the same pull', () => {
  const names = ['docker.io/library/nginx:1.27', 'quay.io/x/y@sha256:0123']
  const old = { ...grant, images: names }
  expect(decodeLease(tampered(JSON.stringify(old)))?.images).toEqual(names.map(imageKeyOf))
})

test('no name of an image is in a Lease', () => {
  const pull = { ...grant, images: [imageKeyOf('quay.io/secret/app:1')] }
  expect(annotationOf(encodeLease(pull, 'startgate-system'))).not.toContain('secret')
  expect(imageKeyOf('quay.io/secret/app:1')).toMatch(/^quay\.io\/sha256-[0-9a-f]{32}$/)
  expect(imageKeyOf(`${'x'.repeat(1_000)}.io/a/b`).length).toBeLessThan(100)
})
