import { createPrivateKey, sign, X509Certificate } from 'node:crypto'
import forge from 'node-forge'

export interface CaRequest {
  /** Private key of the CA, PEM. */
  keyPem: string
  /** Common name. Must differ from CA to CA, so that a verifier never takes one for the other. */
  subject: string
  notBeforeMs: number
  notAfterMs: number
  /** Random bytes, 8 to 20. */
  serial: Uint8Array
}

export interface ServingRequest extends CaRequest {
  /** DNS names the certificate is good for. */
  dnsNames: string[]
  ca: { certPem: string; keyPem: string }
  /** What it is good for; `serverAuth` where not given. */
  usage?: 'serverAuth' | 'clientAuth'
}

/** What a certificate says about itself. Times in ms since the epoch, cut to seconds as the certificate stores them. */
export interface CertificateFacts {
  subject: string
  serial: string
  isCa: boolean
  notBeforeMs: number
  notAfterMs: number
  dnsNames: string[]
}

/** A self-signed CA certificate, PEM. */
export function createCaCertificate(request: CaRequest): string {
  const key = forge.pki.privateKeyFromPem(request.keyPem)
  const certificate = startCertificate(request, key)
  certificate.setIssuer(certificate.subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: true },
  ])
  signWith(certificate, request.keyPem)
  return toPem(certificate)
}

/** A serving certificate for `dnsNames` signed by the CA, PEM. */
export function createServingCertificate(request: ServingRequest): string {
  const ca = forge.pki.certificateFromPem(request.ca.certPem)
  const certificate = startCertificate(request, forge.pki.privateKeyFromPem(request.keyPem))
  // The issuer's bytes must equal the CA's subject bytes, so they are copied, not spelled again.
  certificate.setIssuer(ca.subject.attributes)
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', [request.usage ?? 'serverAuth']: true },
    { name: 'subjectAltName', altNames: request.dnsNames.map(value => ({ type: 2, value })) },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: ca.generateSubjectKeyIdentifier().getBytes() },
  ])
  signWith(certificate, request.ca.keyPem)
  return toPem(certificate)
}

/** Reads the first certificate of a PEM text; undefined when there is none that can be read. */
export function readCertificate(pem: string): CertificateFacts | undefined {
  const certificate = parse(pem)
  if (!certificate) return undefined
  return {
    subject: certificate.subject,
    serial: certificate.serialNumber,
    isCa: certificate.ca,
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    dnsNames: (certificate.subjectAltName ?? '')
      .split(', ')
      .flatMap(name => (name.startsWith('DNS:') ? [name.slice(4)] : [])),
  }
}

/**
 * Whether the CA's key made the certificate's signature and the CA may sign at all. False when either cannot be read.
 */
export function isSignedBy(pem: string, caPem: string): boolean {
  const certificate = parse(pem)
  const ca = parse(caPem)
  return (
    certificate !== undefined && ca !== undefined && certificate.checkIssued(ca) && certificate.verify(ca.publicKey)
  )
}

/** Whether the private key belongs to the certificate. False when either cannot be read. */
export function isKeyOf(pem: string, keyPem: string): boolean {
  try {
    return parse(pem)?.checkPrivateKey(createPrivateKey(keyPem)) ?? false
  } catch {
    return false
  }
}

function startCertificate(request: CaRequest, key: forge.pki.rsa.PrivateKey): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e)
  certificate.serialNumber = positiveSerial(request.serial)
  certificate.validity.notBefore = new Date(request.notBeforeMs)
  certificate.validity.notAfter = new Date(request.notAfterMs)
  certificate.setSubject([
    { name: 'organizationName', value: 'startgate' },
    { name: 'commonName', value: request.subject },
  ])
  return certificate
}

/** By OpenSSL: node-forge's own arithmetic takes tens of ms for one signature, in which the process answers nobody. */
function signWith(certificate: forge.pki.Certificate, keyPem: string): void {
  const { sha256WithRSAEncryption: oid = '' } = forge.pki.oids
  certificate.signatureOid = oid
  certificate.siginfo.algorithmOid = oid
  // What is signed comes first, and then the signature that is to be made.
  const [body] = forge.pki.certificateToAsn1(certificate).value as [forge.asn1.Asn1]
  const bytes = Buffer.from(forge.asn1.toDer(body).getBytes(), 'latin1')
  certificate.signature = sign('sha256', bytes, keyPem).toString('latin1')
}

/**
 * node-forge writes these bytes as they are: with the top bit set they are a negative number, which Go refuses, and so
 * it does an empty one or one with needless leading zeros. So the first byte is forced into 0x40–0x7f.
 */
function positiveSerial(bytes: Uint8Array): string {
  if (bytes.length < 8 || bytes.length > 20)
    throw new RangeError(`a serial number needs 8 to 20 random bytes, not ${bytes.length}`)
  const [first = 0, ...rest] = bytes
  return Buffer.from([(first & 0x3f) | 0x40, ...rest]).toString('hex')
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function toPem(certificate: forge.pki.Certificate): string {
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n')
}
