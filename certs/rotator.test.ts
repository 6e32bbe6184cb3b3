import { pino } from 'pino'
import { afterEach, describe, expect, test } from 'vitest'
import type { Clock } from '../core/clock.ts'
import { decodeBundle } from './bundle.ts'
import type { ServingIdentity } from './identity.ts'
import { type Rotator, type RotatorOptions, startRotator } from './rotator.ts'
import { startCertificateSource } from './source.ts'
import { FakeCluster, stockedKeys } from './testing/fake-cluster.ts'
import { isSignedBy } from './x509.ts'

const DAY_MS = 24 * 3_600_000
const keys = stockedKeys(11)

function steppedClock(): Clock & { nowMs: number } {
  return {
    nowMs: Date.UTC(2026, 0, 1),
    wallMs() {
      return this.nowMs
    },
    monotonicMs() {
      return this.nowMs
    },
  }
}

const started: { stop(): void }[] = []
afterEach(() => {
  for (const one of started.splice(0)) one.stop()
})

/** A rotator that checks only when poked. */
function start(cluster: FakeCluster, clock: Clock, options: Partial<RotatorOptions> = {}): Rotator {
  const rotator = startRotator({
    secret: cluster,
    publisher: cluster,
    keys,
    clock,
    log: pino({ level: 'silent' }),
    dnsNames: { serving: ['startgate-webhook.startgate-system.svc'], leaseService: ['startgate-lease-service'] },
    intervalMs: 2 ** 31 - 1,
    ...options,
  })
  started.push(rotator)
  return rotator
}

test('the first replica makes the certificates, publishes the CAs and then serves', async () => {
  const cluster = new FakeCluster()
  const rotator = start(cluster, steppedClock())
  const publishedWhenServed: (string | undefined)[] = []
  rotator.onChange(() => publishedWhenServed.push(cluster.caBundle))
  expect(rotator.current()).toBeUndefined()
  await rotator.poke()
  expect(rotator.current()?.caBundlePem).toBe(cluster.caBundle)
  expect(publishedWhenServed).toEqual([cluster.caBundle])
  expect(cluster.writes).toBe(1)
})

test('five replicas that start at once end with one CA, and all serve it', async () => {
  for (let round = 0; round < 10; round++) {
    const cluster = new FakeCluster()
    const rotators = Array.from({ length: 5 }, () => start(cluster, steppedClock()))
    await Promise.all(rotators.map(rotator => rotator.poke()))
    expect(cluster.writes).toBe(1)
    const identities = rotators.map(rotator => rotator.current())
    expect(new Set(identities.map(identity => JSON.stringify(identity))).size).toBe(1)
    expect(identities[0]?.caBundlePem).toBe(cluster.caBundle)
  }
})

test('five replicas that renew at once write once for each program', async () => {
  const cluster = new FakeCluster()
  const clock = steppedClock()
  const rotators = Array.from({ length: 5 }, () => start(cluster, clock))
  await Promise.all(rotators.map(rotator => rotator.poke()))
  clock.nowMs += 5 * DAY_MS
  await Promise.all(rotators.map(rotator => rotator.poke()))
  expect(cluster.writes).toBe(3)
  expect(new Set(rotators.map(rotator => rotator.current()?.certPem)).size).toBe(1)
})

test('a check that finds all well writes nothing', async () => {
  const cluster = new FakeCluster()
  const rotator = start(cluster, steppedClock())
  const changes: ServingIdentity[] = []
  await rotator.poke()
  rotator.onChange(identity => changes.push(identity))
  await rotator.poke()
  expect({ writes: cluster.writes, published: cluster.published.length, changes: changes.length }).toEqual({
    writes: 1,
    published: 1,
    changes: 1,
  })
})

describe('repairs', () => {
  const cases: Record<string, (cluster: FakeCluster) => void> = {
    'a Secret that was deleted': cluster => {
      cluster.secret = undefined
    },
    'a certificate that was overwritten': cluster =>
      cluster.edit(data => Object.assign(data, { 'tls.crt': 'garbage' })),
    'a key that was overwritten': cluster => cluster.edit(data => Object.assign(data, { 'tls.key': 'garbage' })),
    'a signing CA that was overwritten': cluster =>
      cluster.edit(data => Object.assign(data, { 'signing-ca.crt': 'garbage' })),
    'a trust bundle that was overwritten': cluster =>
      cluster.edit(data => Object.assign(data, { 'ca.crt': 'garbage' })),
    'a caBundle that helm emptied': cluster => {
      cluster.caBundle = undefined
    },
    'a caBundle of somebody else': cluster => {
      cluster.caBundle = 'another'
    },
  }
  test.each(Object.entries(cases))('%s', async (_, wreck) => {
    const cluster = new FakeCluster()
    const rotator = start(cluster, steppedClock())
    await rotator.poke()
    wreck(cluster)
    await rotator.poke()
    const bundle = decodeBundle(cluster.secret?.data ?? {})
    expect(cluster.caBundle).toBe(bundle.trusted.join(''))
    expect(rotator.current()).toEqual({ ...bundle.serving, caBundlePem: cluster.caBundle })
    expect(isSignedBy(bundle.serving.certPem, bundle.signing.certPem)).toBe(true)
  })
})

describe('with the API server gone', () => {
  test('a replica goes on with what it has, and says when it expires', async () => {
    const cluster = new FakeCluster()
    const rotator = start(cluster, steppedClock())
    await rotator.poke()
    const before = rotator.current()
    cluster.secretFault = new Error('gone')
    await rotator.poke()
    expect(rotator.current()).toBe(before)
    expect(rotator.expiries()?.servingMs).toBe(Date.UTC(2026, 0, 8))
  })

  test('a new replica is not ready, and is so at the first check that succeeds', async () => {
    const cluster = new FakeCluster()
    cluster.secretFault = new Error('gone')
    const rotator = start(cluster, steppedClock())
    await rotator.poke()
    expect(rotator.current()).toBeUndefined()
    cluster.secretFault = undefined
    await rotator.poke()
    expect(rotator.current()).toBeDefined()
  })
})

describe('when the CAs cannot be published', () => {
  test('a new replica is not ready: the installation lacks a right', async () => {
    const cluster = new FakeCluster()
    cluster.publishFault = new Error('forbidden')
    const rotator = start(cluster, steppedClock())
    await rotator.poke()
    expect(rotator.current()).toBeUndefined()
  })

  test('the leaf is renewed all the same, the CA is not', async () => {
    const cluster = new FakeCluster()
    const clock = steppedClock()
    const rotator = start(cluster, clock)
    await rotator.poke()
    const before = decodeBundle(cluster.secret?.data ?? {})
    cluster.publishFault = new Error('forbidden')
    clock.nowMs += 355 * DAY_MS
    await rotator.poke()
    const held = decodeBundle(cluster.secret?.data ?? {})
    expect(held.serving).not.toEqual(before.serving)
    expect(held.signing).toEqual(before.signing)
    cluster.publishFault = undefined
    await rotator.poke()
    expect(decodeBundle(cluster.secret?.data ?? {}).signing.certPem).toBe(before.next.certPem)
  })
})

test('a CA signs only after it was published, and pods that know the old bundle know it', async () => {
  const cluster = new FakeCluster()
  const clock = steppedClock()
  const rotator = start(cluster, clock)
  await rotator.poke()
  const knownToPods = cluster.caBundle ?? ''
  const signing = decodeBundle(cluster.secret?.data ?? {}).signing.certPem
  clock.nowMs += 355 * DAY_MS
  await rotator.poke()
  const after = decodeBundle(cluster.secret?.data ?? {})
  expect(after.signing.certPem).not.toBe(signing)
  expect(knownToPods).toContain(after.signing.certPem)
  expect(after.trusted).toContain(signing)
})

describe('a source', () => {
  test('follows the Secret and keeps the last good certificate', async () => {
    const cluster = new FakeCluster()
    const clock = steppedClock()
    const source = startCertificateSource({
      secret: cluster,
      maker: 'the webhook',
      log: pino({ level: 'silent' }),
      intervalMs: 2 ** 31 - 1,
    })
    started.push(source)
    await source.poke()
    expect(source.current()).toBeUndefined()

    const rotator = start(cluster, clock)
    await rotator.poke()
    await source.poke()
    expect(source.current()).toEqual(rotator.current())

    cluster.edit(data => Object.assign(data, { 'tls.key': 'garbage' }))
    const before = source.current()
    await source.poke()
    expect(source.current()).toBe(before)

    await rotator.poke()
    await source.poke()
    expect(source.current()).not.toEqual(before)
    expect(source.current()).toEqual(rotator.current())
  })

  test('a listener that has gone is not called', async () => {
    const cluster = new FakeCluster()
    const rotator = start(cluster, steppedClock())
    const heard: ServingIdentity[] = []
    rotator.onChange(identity => heard.push(identity))()
    await rotator.poke()
    expect(heard).toEqual([])
  })
})
