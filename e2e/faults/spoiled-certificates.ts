import { X509Certificate } from 'node:crypto'
import { splitPem } from '../../certs/bundle.ts'
import { systemKeys } from '../../certs/keys.ts'
import { createCaCertificate, createServingCertificate, readCertificate } from '../../certs/x509.ts'
import { bothServe, CAS, publishedCas, SERVING, secretKey, system } from '../harness/certificates.ts'
import type { Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const DAY_MS = 24 * 3_600_000

/** What is written over keys of startgate's Secrets. */
export interface Spoiled {
  /** By the Secret, one a program. */
  serving: Record<string, Record<string, string>>
  authority?: Record<string, string>
}

interface Pair {
  certPem: string
  keyPem: string
}

/** How to spoil the stored certificates, by what is wrong then. In each the CA that signs next stays as it is. */
export const SPOILS: Record<string, (session: Session) => Promise<Spoiled>> = {
  'a serving certificate that has expired': async session => {
    const [certPem, keyPem] = await Promise.all(
      ['signing-ca.crt', 'signing-ca.key'].map(key => secretKey(session, CAS, key)),
    )
    const ca = { certPem: certPem ?? '', keyPem: keyPem ?? '' }
    return { serving: await ofEach(async secret => servingKeys(await newLeaf(session, secret, { ca, span: PAST }))) }
  },
  'a CA and a serving certificate of it that have expired': async session => {
    const ca = await newCa(PAST)
    const trusted = ca.certPem + (await secretKey(session, CAS, 'next-ca.crt'))
    return {
      serving: await ofEach(async secret => ({
        ...servingKeys(await newLeaf(session, secret, { ca, span: PAST })),
        'ca.crt': trusted,
      })),
      authority: { 'signing-ca.crt': ca.certPem, 'signing-ca.key': ca.keyPem },
    }
  },
  'a key that does not fit the certificate': async () => ({
    serving: await ofEach(async () => ({ 'tls.key': await systemKeys.newKeyPem() })),
  }),
  'certificate and CAs that are PEM around garbage': async () => {
    const garbage = '-----BEGIN CERTIFICATE-----\nZ2FyYmFnZQ==\n-----END CERTIFICATE-----\n'
    return { serving: await ofEach(async () => ({ 'tls.crt': garbage, 'ca.crt': garbage })) }
  },
  'a serving certificate of a CA that is not ours': async session => {
    const ca = await newCa(FUTURE)
    return { serving: await ofEach(async secret => servingKeys(await newLeaf(session, secret, { ca, span: FUTURE }))) }
  },
}

async function ofEach(make: (secret: string) => Promise<Record<string, string>>): Promise<Spoiled['serving']> {
  return Object.fromEntries(
    await Promise.all(Object.values(SERVING).map(async secret => [secret, await make(secret)] as const)),
  )
}

/** All there is, the next CA too, has expired. */
export async function allExpired(session: Session): Promise<Spoiled> {
  const [ca, next] = [await newCa(PAST), await newCa(PAST)]
  return {
    serving: await ofEach(async secret => ({
      ...servingKeys(await newLeaf(session, secret, { ca, span: PAST })),
      'ca.crt': ca.certPem + next.certPem,
    })),
    authority: {
      'signing-ca.crt': ca.certPem,
      'signing-ca.key': ca.keyPem,
      'next-ca.crt': next.certPem,
      'next-ca.key': next.keyPem,
    },
  }
}

/**
 * Spoils the certificates, waits for ones that a client who believes `ca.crt` takes now, and until both programs serve
 * them.
 */
export async function spoilAndWait(session: Session, spoiled: Spoiled): Promise<void> {
  const secrets = Object.values(SERVING)
  const certificates = () => Promise.all(secrets.map(secret => secretKey(session, secret, 'tls.crt')))
  const before = await certificates()
  await spoil(session, spoiled)
  const sound = async (secret: string, index: number) => {
    const [pem, cas] = [await secretKey(session, secret, 'tls.crt'), await secretKey(session, secret, 'ca.crt')]
    const isNew = pem !== before[index] && pem !== spoiled.serving[secret]?.['tls.crt']
    return isNew && isSound(pem, cas) && (await publishedCas(session)) === cas
  }
  const areSound = async () => (await Promise.all(secrets.map(sound))).every(is => is)
  await waitFor('sound serving certificates', areSound, limits.settingSeen)
  await bothServe(session)
}

/** Writes over all Secrets, what signs first, so that no check in between finds a leaf whose CA is to come. */
async function spoil(session: Session, { serving, authority }: Spoiled): Promise<void> {
  for (const [secret, stringData] of [[CAS, authority] as const, ...Object.entries(serving)]) {
    if (!stringData) continue
    await system(session, ['patch', 'secret', secret, '--type=merge', '-p', JSON.stringify({ stringData })])
  }
}

function isSound(pem: string, cas: string): boolean {
  const leaf = new X509Certificate(pem)
  const now = Date.now()
  const isSigned = splitPem(cas).some(ca => leaf.verify(new X509Certificate(ca).publicKey))
  return isSigned && leaf.validFromDate.getTime() < now && now < leaf.validToDate.getTime()
}

interface Span {
  notBeforeMs: number
  notAfterMs: number
}

const NOW_MS = Date.now()
const PAST: Span = { notBeforeMs: NOW_MS - 9 * DAY_MS, notAfterMs: NOW_MS - DAY_MS }
const FUTURE: Span = { notBeforeMs: NOW_MS - DAY_MS, notAfterMs: NOW_MS + 9 * DAY_MS }

async function newCa(span: Span): Promise<Pair> {
  const keyPem = await systemKeys.newKeyPem()
  const serial = systemKeys.serial()
  const subject = `e2e CA ${Buffer.from(serial).toString('hex').slice(0, 12)}`
  return { keyPem, certPem: createCaCertificate({ keyPem, subject, serial, ...span }) }
}

/** For the names of the certificate in use: only its time and its issuer are wrong. */
async function newLeaf(session: Session, secret: string, { ca, span }: { ca: Pair; span: Span }): Promise<Pair> {
  const dnsNames = readCertificate(await secretKey(session, secret, 'tls.crt'))?.dnsNames ?? []
  const keyPem = await systemKeys.newKeyPem()
  const subject = 'startgate serving'
  const serial = systemKeys.serial()
  return { keyPem, certPem: createServingCertificate({ keyPem, ca, dnsNames, subject, serial, ...span }) }
}

function servingKeys({ certPem, keyPem }: Pair): Record<string, string> {
  return { 'tls.crt': certPem, 'tls.key': keyPem }
}
