import { expect, test } from 'vitest'
import { agentRequestOf, gateRequestOf } from './request-body.ts'

const body = { podUid: 'uid-1', attempt: 1, nonce: 'nonce-0001' }

test('a gate and an agent say their version', () => {
  expect(gateRequestOf({ ...body, version: '0.2.0-rc.1' })).toEqual({ ...body, version: '0.2.0-rc.1' })
  expect(agentRequestOf({ ...body, version: '0.2.0', reports: [] })).toEqual({ ...body, version: '0.2.0', reports: [] })
})

test.each([undefined, 7, '', 'x'.repeat(33), '1.0.0\n', { major: 1 }])(
  'a version that is none is dropped, and nobody is refused for it: %j',
  version => expect(gateRequestOf({ ...body, version })).toEqual(body),
)

test('a field of a newer version is dropped', () => {
  expect(gateRequestOf({ ...body, wishes: ['x'] })).toEqual(body)
})
