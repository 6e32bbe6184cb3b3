import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { watchExpiries } from './expiry-metric.ts'
import type { Expiries } from './rotator.ts'

test('each certificate that can be seen shows when it ends, in seconds', async () => {
  const registry = new Registry()
  const seen: { expiries?: Partial<Expiries> } = {}
  watchExpiries(registry, () => seen.expiries)
  const lines = async () => (await registry.metrics()).split('\n').filter(line => line.startsWith('startgate'))
  expect(await lines()).toEqual([])
  seen.expiries = { servingMs: 1_500 }
  expect(await lines()).toEqual(['startgate_certificate_expiry_seconds{certificate="serving"} 1.5'])
  seen.expiries = { servingMs: 1_000, signingCaMs: 2_000, nextCaMs: 3_000 }
  expect(await lines()).toEqual([
    'startgate_certificate_expiry_seconds{certificate="serving"} 1',
    'startgate_certificate_expiry_seconds{certificate="signing-ca"} 2',
    'startgate_certificate_expiry_seconds{certificate="next-ca"} 3',
  ])
})
