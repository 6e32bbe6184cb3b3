import { expect, test } from 'vitest'
import { addressOf } from './cluster-view.ts'

const service = (clusterIP?: string) => ({ metadata: {}, spec: { ...(clusterIP !== undefined && { clusterIP }) } })

test('gates are told the cluster IP and the port', () => {
  expect(addressOf(service('10.96.0.20'), 443)).toBe('10.96.0.20:443')
  expect(addressOf(service('fd00::20'), 443)).toBe('[fd00::20]:443')
})

test('a Service without a cluster IP has no address', () => {
  expect([undefined, '', 'None'].map(ip => addressOf(service(ip), 443))).toEqual([undefined, undefined, undefined])
})
