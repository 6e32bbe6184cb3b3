import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { decodeBundle, encodeBundle } from './bundle.ts'
import { DEFAULT_LIFETIMES } from './policy.ts'
import { renew } from './renewal.ts'
import { type RotatorOptions, startRotator } from './rotator.ts'
import { splitSecretStore } from './split-store.ts'
import { FakeCluster, stockedKeys } from './testing/fake-cluster.ts'
import { isKeyOf, isSignedBy, readCertificate } from './x509.ts'

const DAY_MS = 24 * 3_600_000
const keys = stockedKeys(7)

const dnsNames = { serving: ['a.svc'], leaseService: ['b.svc'] }
const NAMES_OF_BOTH = ['a.svc', 'b.svc']

function setUp(leaseService = new FakeCluster(), authority = new FakeCluster()) {
  const serving = new FakeCluster()
  const clock = { nowMs: Date.UTC(2026, 0, 1), wallMs: () => clock.nowMs, monotonicMs: () => clock.nowMs }
  const publisher = new FakeCluster()
  const replica = (secret: RotatorOptions['secret'] = splitSecretStore({ serving, leaseService, authority })) => {
    const log = pino({ level: 'silent' })
    const rotator = startRotator({ secret, publisher, keys, clock, log, dnsNames, intervalMs: 2 ** 31 - 1 })
    onTestFinished(() => rotator.stop())
    return rotator
  }
  const keysIn = () => [serving, leaseService, authority].map(({ secret }) => Object.keys(secret?.data ?? {}).sort())
  return { serving, leaseService, authority, publisher, clock, replica, keysIn }
}

const SERVING = ['ca.crt', 'tls.crt', 'tls.key']
const AUTHORITY = ['next-ca.crt', 'next-ca.key', 'next-ca.published-at', 'signing-ca.crt', 'signing-ca.key']

test('what each program serves is in a Secret of its own, with a key of its own, and what signs in another', async () => {
  const { replica, keysIn, serving, leaseService } = setUp()
  await replica().poke()
  expect(keysIn()).toEqual([SERVING, SERVING, AUTHORITY])
  const [own, theirs] = [serving, leaseService].map(({ secret }) => decodeBundle(secret?.data ?? {}))
  expect(own?.serving.keyPem).not.toBe(theirs?.serving.keyPem)
  const names = [own, theirs].map(bundle => readCertificate(bundle?.serving.certPem ?? '')?.dnsNames)
  expect(names).toEqual([dnsNames.serving, dnsNames.leaseService])
  expect(theirs?.trusted).toEqual(own?.trusted)
})

test.each(['ca.crt', 'tls.crt', 'tls.key'])(
  "the lease service's %s is made good when somebody spoils it",
  async key => {
    const { replica, leaseService, serving } = setUp()
    const rotator = replica()
    await rotator.poke()
    const own = serving.secret?.data['tls.crt']
    leaseService.edit(data => {
      data[key] = 'spoiled'
    })
    await rotator.poke()
    const { serving: leaf, trusted } = decodeBundle(leaseService.secret?.data ?? {})
    expect(isKeyOf(leaf.certPem, leaf.keyPem)).toBe(true)
    expect(trusted.some(ca => isSignedBy(leaf.certPem, ca))).toBe(true)
    expect(serving.secret?.data['tls.crt']).toBe(own)
  },
)

test('new leaves leave the Secret of the CAs alone', async () => {
  const { authority, serving, leaseService, clock, replica } = setUp()
  const rotator = replica()
  await rotator.poke()
  expect([authority, serving, leaseService].map(({ writes }) => writes)).toEqual([1, 1, 1])
  clock.nowMs += 6 * DAY_MS
  await rotator.poke()
  expect([authority, serving, leaseService].map(({ writes }) => writes)).toEqual([1, 2, 2])
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
  const { serving, leaseService, authority, publisher, clock, replica } = setUp()
  await replica().poke()
  const before = decodeBundle({ ...serving.secret?.data, ...authority.secret?.data })
  // From here on one that never gets to the second write.
  clock.nowMs += DEFAULT_LIFETIMES.caMs - DAY_MS
  const dying = replica(
    splitSecretStore({ authority, leaseService, serving: { ...reader(serving), create: fails, replace: fails } }),
  )
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

/** What an older version leaves: one certificate for both programs in the Secret that the lease service reads. */
async function formerLayout(nowMs: number): Promise<{ leaseService: FakeCluster; authority: FakeCluster }> {
  const names = { serving: NAMES_OF_BOTH, leaseService: NAMES_OF_BOTH }
  const made = encodeBundle(
    await renew('create', undefined, { nowMs, dnsNames: names, lifetimes: DEFAULT_LIFETIMES, keys }),
  )
  const [leaseService, authority] = [new FakeCluster(), new FakeCluster()]
  const pick = (wanted: string[]) => Object.fromEntries(wanted.map(key => [key, made[key] ?? '']))
  await leaseService.create(pick(SERVING))
  await authority.create(pick(AUTHORITY))
  return { leaseService, authority }
}

test('an upgrade from one certificate for both programs: the CAs stay, the lease service is never without, and ends with its own', async () => {
  const nowMs = Date.UTC(2026, 0, 1)
  const former = await formerLayout(nowMs)
  const { leaseService, authority, serving, publisher, clock, replica } = setUp(former.leaseService, former.authority)
  const [theirs, cas] = [leaseService.secret?.data, authority.secret?.data]
  const rotator = replica()
  await rotator.poke()
  // As long as replicas of the former version may be there, they find what they need.
  expect(leaseService.secret?.data).toEqual(theirs)
  expect(readCertificate(rotator.current()?.certPem ?? '')?.dnsNames).toEqual(dnsNames.serving)
  expect(serving.secret?.data['tls.key']).not.toBe(theirs?.['tls.key'])
  clock.nowMs += DEFAULT_LIFETIMES.overlapMs
  await rotator.poke()
  const { serving: leaf } = decodeBundle(leaseService.secret?.data ?? {})
  expect(readCertificate(leaf.certPem)?.dnsNames).toEqual(dnsNames.leaseService)
  expect(leaf.keyPem).not.toBe(theirs?.['tls.key'])
  // Gates made before the upgrade believe these.
  expect(authority.secret?.data).toEqual(cas)
  expect(new Set(publisher.published)).toEqual(new Set([theirs?.['ca.crt']]))
  expect(isSignedBy(leaf.certPem, cas?.['signing-ca.crt'] ?? '')).toBe(true)
})

test('a Secret of a version that had all in one keeps its CAs, and is divided', async () => {
  const { leaseService: all, authority: cas } = await formerLayout(Date.UTC(2026, 0, 1))
  all.edit(data => Object.assign(data, cas.secret?.data))
  const { clock, replica, authority, keysIn } = setUp(all)
  const rotator = replica()
  await rotator.poke()
  expect(authority.secret?.data).toEqual(cas.secret?.data)
  clock.nowMs += DEFAULT_LIFETIMES.overlapMs
  await rotator.poke()
  expect(keysIn()).toEqual([SERVING, SERVING, AUTHORITY])
})

const fails = () => Promise.reject(new Error('the replica is gone'))
const reader = (cluster: FakeCluster) => ({ read: () => cluster.read() })

test('who has lost the race for the CAs writes no certificate of his own', async () => {
  const { serving, leaseService, authority } = setUp()
  await authority.create({ 'signing-ca.key': 'the winner’s' })
  const data = { 'signing-ca.key': 'mine', 'tls.crt': 'mine' }
  expect(await splitSecretStore({ serving, leaseService, authority }).create(data)).toBe('Conflict')
  expect(serving.secret).toBeUndefined()
})
