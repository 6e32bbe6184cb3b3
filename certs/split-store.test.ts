import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { decodeBundle } from './bundle.ts'
import { FakeCluster, stockedKeys } from './fake-cluster.ts'
import { DEFAULT_LIFETIMES } from './policy.ts'
import { type RotatorOptions, startRotator } from './rotator.ts'
import { splitSecretStore } from './split-store.ts'

const DAY_MS = 24 * 3_600_000
const keys = stockedKeys(7)

function setUp(serving = new FakeCluster()) {
  const authority = new FakeCluster()
  const clock = { nowMs: Date.UTC(2026, 0, 1), wallMs: () => clock.nowMs, monotonicMs: () => clock.nowMs }
  const publisher = new FakeCluster()
  const replica = (secret: RotatorOptions['secret'] = splitSecretStore({ serving, authority })) => {
    const log = pino({ level: 'silent' })
    const rotator = startRotator({ secret, publisher, keys, clock, log, dnsNames: ['a.svc'], intervalMs: 2 ** 31 - 1 })
    onTestFinished(() => rotator.stop())
    return rotator
  }
  const keysIn = () => [serving, authority].map(({ secret }) => Object.keys(secret?.data ?? {}).sort())
  return { serving, authority, publisher, clock, replica, keysIn }
}

const SERVING = ['ca.crt', 'tls.crt', 'tls.key']
const AUTHORITY = ['next-ca.crt', 'next-ca.key', 'next-ca.published-at', 'signing-ca.crt', 'signing-ca.key']

test('what is served is in one Secret, what signs in another', async () => {
  const { replica, keysIn } = setUp()
  await replica().poke()
  expect(keysIn()).toEqual([SERVING, AUTHORITY])
})

test('a new leaf leaves the Secret of the CAs alone', async () => {
  const { authority, serving, clock, replica } = setUp()
  const rotator = replica()
  await rotator.poke()
  const before = [authority.writes, serving.writes]
  clock.nowMs += 6 * DAY_MS
  await rotator.poke()
  expect([authority.writes, serving.writes]).toEqual([before[0], (before[1] ?? 0) + 1])
})

test('five replicas that start at once end with one CA, and all serve it', async () => {
  const { serving, authority, replica } = setUp()
  const rotators = Array.from({ length: 5 }, () => replica())
  await Promise.all(rotators.map(rotator => rotator.poke()))
  await Promise.all(rotators.map(rotator => rotator.poke()))
  expect(new Set(rotators.map(rotator => rotator.current()?.certPem))).toEqual(
    new Set([serving.secret?.data['tls.crt']]),
  )
  expect(authority.writes).toBe(1)
})

test('a replica that dies between the two writes of a new CA leaves a state that the next one mends, and no gap in trust', async () => {
  const { serving, authority, publisher, clock, replica } = setUp()
  await replica().poke()
  const before = decodeBundle({ ...serving.secret?.data, ...authority.secret?.data })
  // From here on one that never gets to the second write.
  clock.nowMs += DEFAULT_LIFETIMES.caMs - DAY_MS
  const dying = replica(splitSecretStore({ authority, serving: { ...reader(serving), create: fails, replace: fails } }))
  await dying.poke()
  expect(authority.secret?.data['signing-ca.crt']).toBe(before.next.certPem)
  expect(serving.secret?.data['tls.crt']).toBe(before.serving.certPem)
  const rotator = replica()
  await rotator.poke()
  const after = decodeBundle({ ...serving.secret?.data, ...authority.secret?.data })
  expect(after.signing.certPem).toBe(before.next.certPem)
  expect(after.trusted).toEqual(
    expect.arrayContaining([before.signing.certPem, before.next.certPem, after.next.certPem]),
  )
  expect(publisher.published.every(bundle => bundle.includes(before.next.certPem))).toBe(true)
  expect(rotator.current()?.certPem).toBe(after.serving.certPem)
})

test('a Secret of an older version keeps its CAs, and is divided when it is next written', async () => {
  const old = new FakeCluster()
  const { clock, replica, serving, authority, keysIn } = setUp(old)
  await replica(old).poke()
  const { signing } = decodeBundle(old.secret?.data ?? {})
  const rotator = replica()
  await rotator.poke()
  expect(keysIn()).toEqual([[...SERVING, ...AUTHORITY].sort(), []])
  clock.nowMs += 6 * DAY_MS
  await rotator.poke()
  expect(keysIn()).toEqual([SERVING, AUTHORITY])
  expect(decodeBundle({ ...serving.secret?.data, ...authority.secret?.data }).signing).toEqual(signing)
})

const fails = () => Promise.reject(new Error('the replica is gone'))
const reader = (cluster: FakeCluster) => ({ read: () => cluster.read() })

test('who has lost the race for the CAs writes no certificate of his own', async () => {
  const { serving, authority } = setUp()
  await authority.create({ 'signing-ca.key': 'the winner’s' })
  const data = { 'signing-ca.key': 'mine', 'tls.crt': 'mine' }
  expect(await splitSecretStore({ serving, authority }).create(data)).toBe('Conflict')
  expect(serving.secret).toBeUndefined()
})
