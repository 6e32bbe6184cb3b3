import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Bundle, decodeBundle, encodeBundle } from './bundle.ts'
import { DEFAULT_LIFETIMES, type LeafNames, nextStep, type Reason, type Step, unexpiredCas } from './policy.ts'
import { renew } from './renewal.ts'
import { stockedKeys } from './testing/fake-cluster.ts'
import { isSignedBy, readCertificate } from './x509.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const START_MS = Date.UTC(2026, 0, 1)
const dnsNames: LeafNames = {
  serving: ['startgate-webhook.startgate-system.svc'],
  leaseService: ['startgate-lease-service.startgate-system.svc'],
}
const both = [...dnsNames.serving, ...dnsNames.leaseService]
const lifetimes = DEFAULT_LIFETIMES
const keys = stockedKeys(7)

let fresh: Bundle
let foreign: Bundle
beforeAll(async () => {
  fresh = await renew('create', undefined, { nowMs: START_MS, dnsNames, lifetimes, keys })
  foreign = await renew('create', undefined, { nowMs: START_MS, dnsNames, lifetimes, keys })
})

interface Case {
  bundle?: () => Bundle | undefined
  afterMs?: number
  dnsNames?: LeafNames
  published?: boolean
  want: Step
  reason?: Reason
}

const CA_TURN_MS = 365 * DAY_MS - 14 * DAY_MS

const cases: Record<string, Case> = {
  'all is well': { want: 'keep' },
  'there is no Secret': { bundle: () => undefined, want: 'create', reason: 'SecretMissing' },
  'the Secret is empty': { bundle: () => decodeBundle({}), want: 'create', reason: 'SigningCaUnusable' },
  'the signing CA is no PEM, the next one is good': {
    bundle: () => ({ ...fresh, signing: { certPem: 'x', keyPem: 'y' } }),
    want: 'renew-ca',
    reason: 'SigningCaUnusable',
  },
  'the signing CA has another key': {
    bundle: () => ({ ...fresh, signing: { ...fresh.signing, keyPem: foreign.serving.keyPem } }),
    want: 'renew-ca',
    reason: 'SigningCaUnusable',
  },
  'a serving certificate poses as signing CA': {
    bundle: () => ({ ...fresh, signing: fresh.serving }),
    want: 'renew-ca',
    reason: 'SigningCaUnusable',
  },
  'both CAs are broken': {
    bundle: () => ({
      ...fresh,
      signing: { certPem: '', keyPem: '' },
      next: { certPem: '', keyPem: '', publishedAtMs: 0 },
    }),
    want: 'create',
    reason: 'SigningCaUnusable',
  },
  'the signing CA has expired, the next one has not': {
    afterMs: 366 * DAY_MS,
    want: 'renew-ca',
    reason: 'SigningCaUnusable',
  },
  'both CAs have expired': { afterMs: 731 * DAY_MS, want: 'create', reason: 'SigningCaUnusable' },
  'the signing CA has just over two leaf lives left': {
    bundle: () => ({ ...fresh, ...young }),
    afterMs: CA_TURN_MS - 1000,
    want: 'keep',
  },
  'the signing CA has two leaf lives left': {
    bundle: () => ({ ...fresh, ...young }),
    afterMs: CA_TURN_MS,
    want: 'renew-ca',
    reason: 'SigningCaNearExpiry',
  },
  'the next CA is not in the webhook configuration yet': {
    bundle: () => ({ ...fresh, ...young }),
    afterMs: CA_TURN_MS,
    published: false,
    want: 'keep',
  },
  'the next CA was published a moment ago': {
    bundle: () => ({
      ...fresh,
      ...young,
      next: { ...fresh.next, publishedAtMs: START_MS + CA_TURN_MS - 60_000 },
    }),
    afterMs: CA_TURN_MS,
    want: 'keep',
  },
  'the next CA is not trusted yet': {
    bundle: () => ({ ...fresh, ...young, next: { ...foreign.next, publishedAtMs: 0 } }),
    afterMs: CA_TURN_MS,
    want: 'publish-next-ca',
    reason: 'NextCaUnusable',
  },
  'the leaf is no PEM': {
    bundle: () => ({ ...fresh, serving: { ...fresh.serving, certPem: '?' } }),
    want: 'renew-leaf',
    reason: 'LeafUnparsable',
  },
  'the leaf has another key': {
    bundle: () => ({ ...fresh, serving: { ...fresh.serving, keyPem: fresh.signing.keyPem } }),
    want: 'renew-leaf',
    reason: 'LeafKeyMismatch',
  },
  'the leaf is of another CA': {
    bundle: () => ({ ...fresh, serving: foreign.serving }),
    want: 'renew-leaf',
    reason: 'LeafNotSignedByCa',
  },
  'a name is missing': {
    dnsNames: { ...dnsNames, serving: both },
    want: 'renew-leaf',
    reason: 'LeafNameMissing',
  },
  'a young certificate of the former version has a name too many': {
    dnsNames: { ...dnsNames, leaseService: [] },
    afterMs: 10 * 60_000 - 1_000,
    want: 'keep',
  },
  'a name too many, and no former version is left to want it': {
    dnsNames: { ...dnsNames, leaseService: [] },
    afterMs: 10 * 60_000,
    want: 'renew-lease-service-leaf',
    reason: 'LeafNameTooMany',
  },
  "the lease service's leaf has the webhook's name only": {
    bundle: () => ({ ...fresh, leaseService: { ...fresh.leaseService, ...fresh.serving } }),
    want: 'renew-lease-service-leaf',
    reason: 'LeafNameMissing',
  },
  "the lease service's leaf has another key": {
    bundle: () => ({ ...fresh, leaseService: { ...fresh.leaseService, keyPem: fresh.serving.keyPem } }),
    want: 'renew-lease-service-leaf',
    reason: 'LeafKeyMismatch',
  },
  'the lease service has no Secret': {
    bundle: () => ({ ...fresh, leaseService: { certPem: '', keyPem: '', trusted: [] } }),
    want: 'renew-lease-service-leaf',
    reason: 'LeafUnparsable',
  },
  'the lease service is told other CAs': {
    bundle: () => ({ ...fresh, leaseService: { ...fresh.leaseService, trusted: foreign.trusted } }),
    want: 'repair-bundle',
    reason: 'LeaseServiceBundleDiffers',
  },
  'the leaf is just under two thirds through': { afterMs: (7 * DAY_MS * 2) / 3 - 2000, want: 'keep' },
  'the leaf is two thirds through': {
    afterMs: (7 * DAY_MS * 2) / 3 + 1000,
    want: 'renew-leaf',
    reason: 'LeafNearExpiry',
  },
  'the leaf has expired': { afterMs: 8 * DAY_MS, want: 'renew-leaf', reason: 'LeafNearExpiry' },
  'the bundle lost the signing CA': {
    bundle: () => ({ ...fresh, trusted: [fresh.next.certPem] }),
    want: 'repair-bundle',
    reason: 'BundleLacksCa',
  },
  'the bundle lost the next CA': {
    bundle: () => {
      const trusted = [fresh.signing.certPem]
      return { ...fresh, trusted, leaseService: { ...fresh.leaseService, trusted } }
    },
    want: 'publish-next-ca',
    reason: 'NextCaUnusable',
  },
  'the next CA has no key': {
    bundle: () => ({ ...fresh, next: { ...fresh.next, keyPem: '' } }),
    want: 'publish-next-ca',
    reason: 'NextCaUnusable',
  },
  'the bundle holds a CA that has expired': {
    bundle: () => {
      const trusted = [...fresh.trusted, expiredCa]
      return { ...fresh, trusted, leaseService: { ...fresh.leaseService, trusted } }
    },
    want: 'repair-bundle',
    reason: 'BundleHasExpiredCa',
  },
}

let young: Pick<Bundle, keyof LeafNames>
let expiredCa: string
beforeAll(async () => {
  const context = { dnsNames, lifetimes, keys }
  const late = { ...context, nowMs: START_MS + CA_TURN_MS - DAY_MS }
  const { serving } = await renew('renew-leaf', fresh, late)
  young = { serving, leaseService: (await renew('renew-lease-service-leaf', fresh, late)).leaseService }
  expiredCa = (await renew('create', undefined, { ...context, nowMs: START_MS - 800 * DAY_MS })).signing.certPem
})

test.each(Object.entries(cases))(
  '%s',
  (_, { bundle = () => fresh, afterMs = 0, want, reason, published = true, ...rest }) => {
    const verdict = nextStep({
      bundle: bundle(),
      nowMs: START_MS + afterMs,
      dnsNames: rest.dnsNames ?? dnsNames,
      lifetimes,
      published,
    })
    expect(verdict).toEqual(reason ? { step: want, reason } : { step: want })
  },
)

/** Takes steps as a rotator would. */
async function settle(bundle: Bundle | undefined, nowMs: number): Promise<{ bundle: Bundle; steps: Step[] }> {
  const steps: Step[] = []
  let at = bundle
  for (;;) {
    const { step } = nextStep({ bundle: at, nowMs, dnsNames, lifetimes, published: true })
    if (step === 'keep' && at) return { bundle: at, steps }
    steps.push(step)
    if (steps.length > 10) throw new Error(`does not settle: ${steps}`)
    at = await renew(step, at, { nowMs, dnsNames, lifetimes, keys })
  }
}

describe('over the years', () => {
  test('stays whole, never long without renewal, and old CAs go', async () => {
    let bundle = (await settle(undefined, START_MS)).bundle
    const yearAgo: { atMs: number; trusted: string[] }[] = []
    let caTurns = 0
    for (let day = 1; day <= 365 * 4; day += 2) {
      const nowMs = START_MS + day * DAY_MS
      const settled = await settle(bundle, nowMs)
      if (settled.steps.includes('renew-ca')) caTurns++
      bundle = settled.bundle
      const leaf = readCertificate(bundle.serving.certPem)
      expect(leaf?.notAfterMs).toBeGreaterThan(nowMs + 2 * DAY_MS)
      expect(bundle.trusted.length).toBeLessThanOrEqual(3)
      yearAgo.push({ atMs: nowMs, trusted: bundle.trusted })
      // A pod carries the CAs of the day it was created: for a year it must know whoever signs.
      const oldest = yearAgo.find(entry => entry.atMs > nowMs - 350 * DAY_MS)?.trusted ?? []
      expect(unexpiredCas(oldest, nowMs).some(ca => isSignedBy(bundle.serving.certPem, ca))).toBe(true)
    }
    expect(caTurns).toBe(4)
  })

  test('whatever is cut out of the Secret, and whenever, it settles in a few steps', async () => {
    const data = encodeBundle(fresh)
    await fc.assert(
      fc.asyncProperty(fc.subarray(Object.keys(data)), fc.integer({ min: -1, max: 900 }), async (lost, day) => {
        const left = Object.fromEntries(Object.entries(data).filter(([key]) => !lost.includes(key)))
        const { steps } = await settle(decodeBundle(left), START_MS + day * DAY_MS)
        expect(steps.length).toBeLessThanOrEqual(5)
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
