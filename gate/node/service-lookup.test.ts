import type { LookupFunction } from 'node:net'
import { expect, test } from 'vitest'
import { serviceLookup } from './service-lookup.ts'

const dns: LookupFunction = (_hostname, _options, callback) => callback(null, '192.0.2.9', 4)
const found = (lookup: LookupFunction, all = false): unknown[] => {
  const heard: unknown[] = []
  lookup('lease-service', { all }, (_error, address, family) => void heard.push(address, family))
  return heard
}

test('the address from the environment and DNS take turns, the former first', () => {
  const lookup = serviceLookup('10.96.0.20', dns)
  expect([found(lookup), found(lookup), found(lookup, true)]).toEqual([
    ['10.96.0.20', 4],
    ['192.0.2.9', 4],
    [[{ address: '10.96.0.20', family: 4 }], undefined],
  ])
})

test.each([undefined, '', 'None'])('without an address (%j) it is DNS', ip => {
  expect(found(serviceLookup(ip, dns))).toEqual(['192.0.2.9', 4])
})
