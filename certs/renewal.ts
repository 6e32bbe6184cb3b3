import { type Bundle, containsCertificates, type KeyPair } from './bundle.ts'
import type { KeySource } from './keys.ts'
import { type Lifetimes, type Step, unexpiredCas } from './policy.ts'
import { createCaCertificate, createServingCertificate, readCertificate } from './x509.ts'

export interface RenewalContext {
  nowMs: number
  dnsNames: string[]
  lifetimes: Lifetimes
  keys: KeySource
}

const SERVING_SUBJECT = 'startgate serving'

/** The bundle after the step; the one given stays as it is. `bundle` may be undefined for `create` only. */
export async function renew(step: Step, bundle: Bundle | undefined, context: RenewalContext): Promise<Bundle> {
  if (step === 'create' || !bundle) return create(context)
  if (step === 'renew-ca') return renewCa(bundle, context)
  if (step === 'renew-leaf') return tidy({ ...bundle, serving: await newLeaf(bundle.signing, context) }, context)
  if (step === 'publish-next-ca') return tidy({ ...bundle, next: await newNextCa(context) }, context)
  return tidy(bundle, context)
}

async function create(context: RenewalContext): Promise<Bundle> {
  const [signing, next] = await Promise.all([newCa(context, context.lifetimes.caMs), newNextCa(context)])
  return tidy({ trusted: [], signing, next, serving: await newLeaf(signing, context) }, context)
}

/** The next CA begins to sign and its own successor is published at once; the old one stays trusted until it expires. */
async function renewCa(bundle: Bundle, context: RenewalContext): Promise<Bundle> {
  const { certPem, keyPem } = bundle.next
  const [serving, next] = await Promise.all([newLeaf({ certPem, keyPem }, context), newNextCa(context)])
  return tidy({ ...bundle, signing: { certPem, keyPem }, next, serving }, context)
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

async function newLeaf(ca: KeyPair, { keys, nowMs, lifetimes, dnsNames }: RenewalContext): Promise<KeyPair> {
  const keyPem = await keys.newKeyPem()
  const caNotAfterMs = readCertificate(ca.certPem)?.notAfterMs ?? nowMs
  const certPem = createServingCertificate({
    keyPem,
    ca,
    dnsNames,
    subject: SERVING_SUBJECT,
    serial: keys.serial(),
    notBeforeMs: nowMs - lifetimes.backdateMs,
    notAfterMs: Math.min(nowMs + lifetimes.leafMs, caNotAfterMs),
  })
  return { certPem, keyPem }
}

/** Puts both CAs among the trusted and drops what has expired. */
function tidy(bundle: Bundle, { nowMs }: RenewalContext): Bundle {
  const trusted = unexpiredCas(bundle.trusted, nowMs)
  for (const certPem of unexpiredCas([bundle.signing.certPem, bundle.next.certPem], nowMs)) {
    if (!containsCertificates(trusted.join(''), [certPem])) trusted.push(certPem)
  }
  return { ...bundle, trusted }
}
