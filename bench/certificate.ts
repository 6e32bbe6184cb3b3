import { randomBytes } from 'node:crypto'
import { systemKeys } from '../certs/keys.ts'
import { createCaCertificate, createServingCertificate } from '../certs/x509.ts'

/** PEM. */
export interface Tls {
  ca: string
  cert: string
  key: string
}

/** A serving certificate of our own making, for one name. */
export async function benchCertificate(dnsName: string): Promise<Tls> {
  const fields = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000, serial: randomBytes(16) }
  const caKey = await systemKeys.newKeyPem()
  const ca = createCaCertificate({ ...fields, keyPem: caKey, subject: 'bench CA' })
  const key = await systemKeys.newKeyPem()
  const issuer = { certPem: ca, keyPem: caKey }
  return {
    ca,
    key,
    cert: createServingCertificate({ ...fields, keyPem: key, subject: 'bench', dnsNames: [dnsName], ca: issuer }),
  }
}
