import { type Bundle, containsCertificates, type KeyPair } from './bundle.ts'
import type { KeySource } from './keys.ts'
import { type LeafNames, type Lifetimes, type Step, unexpiredCas } from './policy.ts'
import { createCaCertificate, createServingCertificate, readCertificate } from './x509.ts'

export interface RenewalContext {
  nowMs: number
  dnsNames: LeafNames
  lifetimes: Lifetimes
  keys: KeySource
}

const SERVING_SUBJECT = 'startgate serving'

/** The bundle after the step; the one given stays as it is. `bundle` may be undefined for `create` only. */
export async function renew(step: Step, bundle: Bundle | undefined, context: RenewalContext): Promise<Bundle> {
  if (step === 'create' || !bundle) return create(context)
  if (step === 'renew-ca') return renewCa(bundle, context)
  if (step === 'renew-leaf')
    return tidy({ ...bundle, serving: await newLeaf('serving', bundle.signing, context) }, context)
  if (step === 'renew-lease-service-leaf') {
    const leaf = await newLeaf('leaseService', bundle.signing, context)
    return tidy({ ...bundle, leaseService: { ...bundle.leaseService, ...leaf } }, context)
  }
  if (step === 'publish-next-ca') return tidy({ ...bundle, next: await newNextCa(context) }, context)
  return tidy(bundle, context)
}

async function create(context: RenewalContext): Promise<Bundle> {
  const [signing, next] = await Promise.all([newCa(context, context.lifetimes.caMs), newNextCa(context)])
  return tidy({ trusted: [], signing, next, ...(await newLeaves(signing, context)) }, context)
}

/**
 * The next CA begins to sign and its own successor is published at once; the old one stays trusted until it expires.
 */
async function renewCa(bundle: Bundle, context: RenewalContext): Promise<Bundle> {
  const { certPem, keyPem } = bundle.next
  const [leaves, next] = await Promise.all([newLeaves({ certPem, keyPem }, context), newNextCa(context)])
  return tidy({ ...bundle, signing: { certPem, keyPem }, next, ...leaves }, context)
}

function newNextCa(context: RenewalContext): Promise<Bundle['next']> {
  return newCa(context, 2 * context.lifetimes.caMs).then(pair => ({ ...pair, publishedAtMs: context.nowMs }))
}

async function newCa({ keys, nowMs, lifetimes }: RenewalContext, lifeMs: number): Promise<KeyPair> {
  const keyPem = await keys.newKeyPem()
  const serial = keys.serial()
  const subject = `startgate CA ${Buffer.from(serial).toString('hex').slice(0, 12)}`
  const certPem = createCaCertificate({
    keyPem,
    subject,
    serial,
    notBeforeMs: nowMs - lifetimes.backdateMs,
    notAfterMs: nowMs + lifeMs,
  })
  return { certPem, keyPem }
}

async function newLeaves(ca: KeyPair, context: RenewalContext): Promise<Pick<Bundle, keyof LeafNames>> {
  const [serving, leaf] = await Promise.all([newLeaf('serving', ca, context), newLeaf('leaseService', ca, context)])
  return { serving, leaseService: { ...leaf, trusted: [] } }
}

async function newLeaf(
  leaf: keyof LeafNames,
  ca: KeyPair,
  { keys, nowMs, lifetimes, dnsNames }: RenewalContext,
): Promise<KeyPair> {
  const keyPem = await keys.newKeyPem()
  const caNotAfterMs = readCertificate(ca.certPem)?.notAfterMs ?? nowMs
  const certPem = createServingCertificate({
    keyPem,
    ca,
    dnsNames: dnsNames[leaf],
    subject: SERVING_SUBJECT,
    serial: keys.serial(),
    notBeforeMs: nowMs - lifetimes.backdateMs,
    notAfterMs: Math.min(nowMs + lifetimes.leafMs, caNotAfterMs),
  })
  return { certPem, keyPem }
}

/** Puts both CAs among the trusted, drops what has expired, and tells the lease service the same. */
function tidy(bundle: Bundle, { nowMs }: RenewalContext): Bundle {
  const trusted = unexpiredCas(bundle.trusted, nowMs)
  for (const certPem of unexpiredCas([bundle.signing.certPem, bundle.next.certPem], nowMs)) {
    if (!containsCertificates(trusted.join(''), [certPem])) trusted.push(certPem)
  }
  return { ...bundle, trusted, leaseService: { ...bundle.leaseService, trusted } }
}
