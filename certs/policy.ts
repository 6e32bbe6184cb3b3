import { type Bundle, containsCertificates, type KeyPair } from './bundle.ts'
import { isKeyOf, isSignedBy, readCertificate } from './x509.ts'

/** What to do next. One step at a time: the state between any two is one that clients can live with. */
export type Step =
  | 'keep'
  | 'create'
  | 'renew-ca'
  | 'renew-leaf'
  | 'renew-lease-service-leaf'
  | 'publish-next-ca'
  | 'repair-bundle'

export type Reason =
  | 'SecretMissing'
  | 'SigningCaUnusable'
  | 'SigningCaNearExpiry'
  | 'NextCaUnusable'
  | 'LeafUnparsable'
  | 'LeafKeyMismatch'
  | 'LeafNotSignedByCa'
  | 'LeafNameMissing'
  | 'LeafNameTooMany'
  | 'LeafNearExpiry'
  | 'BundleLacksCa'
  | 'LeaseServiceBundleDiffers'
  | 'BundleHasExpiredCa'

export interface Verdict {
  step: Step
  /** The violation found; absent with `keep`. */
  reason?: Reason
}

/** All in ms. */
export interface Lifetimes {
  /** How long a CA signs. It is published this long before, so its certificate is good for twice as long. */
  caMs: number
  leafMs: number
  /** How far notBefore lies in the past, for clients whose clock is behind. */
  backdateMs: number
  /** How long a CA must have been published before it signs. */
  overlapMs: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const DEFAULT_LIFETIMES: Lifetimes = {
  caMs: 365 * DAY_MS,
  leafMs: 7 * DAY_MS,
  backdateMs: HOUR_MS,
  overlapMs: 10 * 60_000,
}

/** The DNS names that each program's certificate must be good for, and no other. */
export interface LeafNames {
  serving: string[]
  leaseService: string[]
}

export interface PolicyInput {
  /** Undefined when there is no Secret. */
  bundle: Bundle | undefined
  nowMs: number
  dnsNames: LeafNames
  lifetimes: Lifetimes
  /**
   * Whether the bundle as it stands has been seen in the webhook configuration, so that API servers know the next CA.
   */
  published: boolean
}

type Check = (input: PolicyInput & { bundle: Bundle }) => Verdict | undefined

/** The first violation decides; the order goes from what breaks everything to what can wait. */
const CHECKS: Check[] = [
  signingCaUnusable,
  signingCaNearExpiry,
  input => leafVerdict('serving', input),
  input => leafVerdict('leaseService', input),
  bundleLacksCa,
  leaseServiceBundleDiffers,
  nextCaUnusable,
  bundleHasExpiredCa,
]

/** Pure. Says which step the stored certificates need at `nowMs`. */
export function nextStep(input: PolicyInput): Verdict {
  const { bundle } = input
  if (!bundle) return { step: 'create', reason: 'SecretMissing' }
  for (const check of CHECKS) {
    const verdict = check({ ...input, bundle })
    if (verdict) return verdict
  }
  return { step: 'keep' }
}

/** Whether the pair is a CA's, fits together and has not expired. */
function isUsableCa(pair: { certPem: string; keyPem: string }, nowMs: number): boolean {
  const ca = readCertificate(pair.certPem)
  return ca?.isCa === true && nowMs < ca.notAfterMs && isKeyOf(pair.certPem, pair.keyPem)
}

/** The entries of `trusted` that can be read and have not expired. What they signed has expired with them. */
export function unexpiredCas(trusted: string[], nowMs: number): string[] {
  return trusted.filter(pem => {
    const ca = readCertificate(pem)
    return ca?.isCa === true && nowMs < ca.notAfterMs
  })
}

/** Nothing can be signed any more; without a next CA either, nothing is left to save. */
function signingCaUnusable({ bundle, nowMs }: PolicyInput & { bundle: Bundle }): Verdict | undefined {
  if (isUsableCa(bundle.signing, nowMs)) return undefined
  return { step: isUsableCa(bundle.next, nowMs) ? 'renew-ca' : 'create', reason: 'SigningCaUnusable' }
}

/**
 * Two leaf lives before the end, so that no leaf is ever cut short by its CA. Until the next CA is known to all, it
 * waits.
 */
function signingCaNearExpiry({
  bundle,
  nowMs,
  lifetimes,
  published,
}: PolicyInput & { bundle: Bundle }): Verdict | undefined {
  const ca = readCertificate(bundle.signing.certPem)
  const isNear = ca !== undefined && nowMs >= ca.notAfterMs - 2 * lifetimes.leafMs
  const nextIsKnown =
    published &&
    nowMs >= bundle.next.publishedAtMs + lifetimes.overlapMs &&
    containsCertificates(bundle.trusted.join(''), [bundle.next.certPem])
  if (!isNear || !nextIsKnown || !isUsableCa(bundle.next, nowMs)) return undefined
  return { step: 'renew-ca', reason: 'SigningCaNearExpiry' }
}

function leafVerdict(leaf: keyof LeafNames, input: PolicyInput & { bundle: Bundle }): Verdict | undefined {
  const reason = leafReason(input.bundle[leaf], input.dnsNames[leaf], input)
  return reason && { step: leaf === 'serving' ? 'renew-leaf' : 'renew-lease-service-leaf', reason }
}

function leafReason(
  { certPem, keyPem }: KeyPair,
  wanted: string[],
  { bundle, nowMs, lifetimes }: PolicyInput & { bundle: Bundle },
): Reason | undefined {
  const leaf = readCertificate(certPem)
  if (!leaf) return 'LeafUnparsable'
  if (!isKeyOf(certPem, keyPem)) return 'LeafKeyMismatch'
  if (!isSignedBy(certPem, bundle.signing.certPem)) return 'LeafNotSignedByCa'
  if (!wanted.every(name => leaf.dnsNames.includes(name))) return 'LeafNameMissing'
  const bornAtMs = leaf.notBeforeMs + lifetimes.backdateMs
  // An older version has one certificate for both programs, and its replicas make it anew as long as an upgrade has not
  // replaced them all: one that is young is left to them.
  const hasTooMany = leaf.dnsNames.some(name => !wanted.includes(name))
  if (hasTooMany && nowMs >= bornAtMs + lifetimes.overlapMs) return 'LeafNameTooMany'
  // After two thirds of its own life, which its CA may have cut short: a share of the usual life would renew such a one
  // at every check.
  return nowMs < leaf.notAfterMs - (leaf.notAfterMs - bornAtMs) / 3 ? undefined : 'LeafNearExpiry'
}

function bundleLacksCa({ bundle }: PolicyInput & { bundle: Bundle }): Verdict | undefined {
  return containsCertificates(bundle.trusted.join(''), [bundle.signing.certPem])
    ? undefined
    : { step: 'repair-bundle', reason: 'BundleLacksCa' }
}

/** The lease service serves nothing without CAs in its Secret, and shows nobody else which it has. */
function leaseServiceBundleDiffers({ bundle }: PolicyInput & { bundle: Bundle }): Verdict | undefined {
  const isSame = bundle.leaseService.trusted.join('') === bundle.trusted.join('')
  return isSame ? undefined : { step: 'repair-bundle', reason: 'LeaseServiceBundleDiffers' }
}

function nextCaUnusable({ bundle, nowMs }: PolicyInput & { bundle: Bundle }): Verdict | undefined {
  const isTrusted = containsCertificates(bundle.trusted.join(''), [bundle.next.certPem])
  return isTrusted && isUsableCa(bundle.next, nowMs) ? undefined : { step: 'publish-next-ca', reason: 'NextCaUnusable' }
}

function bundleHasExpiredCa({ bundle, nowMs }: PolicyInput & { bundle: Bundle }): Verdict | undefined {
  const expired = unexpiredCas(bundle.trusted, nowMs).length < bundle.trusted.length
  return expired ? { step: 'repair-bundle', reason: 'BundleHasExpiredCa' } : undefined
}
