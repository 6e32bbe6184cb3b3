/** A certificate and its private key, PEM. */
export interface KeyPair {
  certPem: string
  keyPem: string
}

/** All that the Secrets hold. Parts are text as found: whether they are any good is for the policy to judge. */
export interface Bundle {
  /** The CAs that clients are told to trust, PEM, one an entry. */
  trusted: string[]
  /** Signs serving certificates. */
  signing: KeyPair
  /**
   * Signs after `signing`. It is trusted a whole CA life before, because gates carry the CAs of the day their pod was
   * created, and must still know the lease service when their node reboots months later.
   */
  next: KeyPair & { publishedAtMs: number }
  /** Of the program itself: of the webhook, which makes all of this, or of one that only reads its own. */
  serving: KeyPair
  /**
   * Of the lease service, with the CAs as its Secret tells them: a key of its own, so that it never has the webhook's.
   */
  leaseService: KeyPair & { trusted: string[] }
}

/** Keys of the Secrets; the first three as every program that takes certificates from Secrets expects them. */
const KEY = {
  trusted: 'ca.crt',
  servingCert: 'tls.crt',
  servingKey: 'tls.key',
  signingCert: 'signing-ca.crt',
  signingKey: 'signing-ca.key',
  nextCert: 'next-ca.crt',
  nextKey: 'next-ca.key',
  nextPublishedAt: 'next-ca.published-at',
} as const

/** Before the keys of the lease service's Secret where all is held as one. */
const LEASE_SERVICE_PREFIX = 'lease-service.'

const SERVING_KEYS: readonly string[] = [KEY.trusted, KEY.servingCert, KEY.servingKey]

/** Whether a key is of the program's own Secret, for a server and its clients. */
export function isServingKey(key: string): boolean {
  return SERVING_KEYS.includes(key)
}

/** Secret data as text, before base64. */
export type SecretData = Record<string, string>

export function isLeaseServiceKey(key: string): boolean {
  return key.startsWith(LEASE_SERVICE_PREFIX)
}

/** The lease service's own Secret, out of all. */
export function leaseServiceData(data: SecretData): SecretData {
  const own = Object.entries(data).filter(([key]) => isLeaseServiceKey(key))
  return Object.fromEntries(own.map(([key, value]) => [key.slice(LEASE_SERVICE_PREFIX.length), value]))
}

/**
 * What the lease service's Secret adds to all. An older version kept the webhook's certificate there, and before that
 * everything: its CAs are taken over, and the certificate stays the lease service's.
 */
export function fromLeaseService(secret: SecretData): SecretData {
  const renamed = (key: string) => (isServingKey(key) ? LEASE_SERVICE_PREFIX + key : key)
  return {
    ...(secret[KEY.trusted] !== undefined && { [KEY.trusted]: secret[KEY.trusted] }),
    ...Object.fromEntries(Object.entries(secret).map(([key, value]) => [renamed(key), value])),
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** The certificates of a PEM text, one an entry, in order. */
export function splitPem(pem: string): string[] {
  return (pem.match(CERTIFICATE) ?? []).map(certificate => `${certificate}\n`)
}

/** Whether every certificate of `wanted` is in `pem`; order, comments and line ends do not matter. */
export function containsCertificates(pem: string, wanted: string[]): boolean {
  const have = new Set(splitPem(pem).map(bare))
  return wanted.every(certificate => have.has(bare(certificate)))
}

export function encodeBundle(bundle: Bundle): SecretData {
  return {
    [KEY.trusted]: bundle.trusted.join(''),
    [KEY.servingCert]: bundle.serving.certPem,
    [KEY.servingKey]: bundle.serving.keyPem,
    [LEASE_SERVICE_PREFIX + KEY.trusted]: bundle.leaseService.trusted.join(''),
    [LEASE_SERVICE_PREFIX + KEY.servingCert]: bundle.leaseService.certPem,
    [LEASE_SERVICE_PREFIX + KEY.servingKey]: bundle.leaseService.keyPem,
    [KEY.signingCert]: bundle.signing.certPem,
    [KEY.signingKey]: bundle.signing.keyPem,
    [KEY.nextCert]: bundle.next.certPem,
    [KEY.nextKey]: bundle.next.keyPem,
    [KEY.nextPublishedAt]: new Date(bundle.next.publishedAtMs).toISOString(),
  }
}

/** Missing keys become empty texts, an unreadable stamp the epoch; both are what the policy then repairs. */
export function decodeBundle(data: SecretData): Bundle {
  const publishedAtMs = Date.parse(data[KEY.nextPublishedAt] ?? '')
  const leaseService = leaseServiceData(data)
  return {
    trusted: splitPem(data[KEY.trusted] ?? ''),
    signing: { certPem: data[KEY.signingCert] ?? '', keyPem: data[KEY.signingKey] ?? '' },
    next: {
      certPem: data[KEY.nextCert] ?? '',
      keyPem: data[KEY.nextKey] ?? '',
      publishedAtMs: Number.isNaN(publishedAtMs) ? 0 : publishedAtMs,
    },
    serving: pairIn(data),
    leaseService: { ...pairIn(leaseService), trusted: splitPem(leaseService[KEY.trusted] ?? '') },
  }
}

function pairIn(data: SecretData): KeyPair {
  return { certPem: data[KEY.servingCert] ?? '', keyPem: data[KEY.servingKey] ?? '' }
}

function bare(pem: string): string {
  return pem.replace(/\s+/g, '')
}
