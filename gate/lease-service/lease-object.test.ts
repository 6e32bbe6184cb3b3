import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Lease } from '../../core/kube/lease.ts'
import { decodeLease, encodeLease } from './lease-object.ts'
import type { Grant } from './model.ts'

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

test('whatever stands in the annotation, reading it neither throws nor makes half a grant', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), text => {
      expect(decodeLease(tampered(text))).toBeUndefined()
    }),
  )
  for (const field of Object.keys(grant)) {
    expect(decodeLease(tampered(JSON.stringify({ ...grant, [field]: undefined })))).toBeUndefined()
  }
})
