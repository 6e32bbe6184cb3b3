import { randomBytes } from 'node:crypto'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { systemKeys } from './keys.ts'
import { stockedKeys } from './testing/fake-cluster.ts'
import { createCaCertificate, createServingCertificate, isKeyOf, isSignedBy, readCertificate } from './x509.ts'

const HOUR_MS = 3_600_000
const nowMs = Date.now()
const NAMES = ['startgate-webhook.startgate-system.svc', 'startgate-lease-service.startgate-system.svc']

interface Made {
  caPem: string
  caKeyPem: string
  leafPem: string
  leafKeyPem: string
}

async function make(dnsNames: string[], notAfterMs = nowMs + HOUR_MS): Promise<Made> {
  const [caKeyPem, leafKeyPem] = await Promise.all([systemKeys.newKeyPem(), systemKeys.newKeyPem()])
  const validity = { notBeforeMs: nowMs - HOUR_MS, notAfterMs }
  const caPem = createCaCertificate({
    ...validity,
    keyPem: caKeyPem,
    subject: 'startgate CA test',
    serial: randomBytes(16),
  })
  const ca = { certPem: caPem, keyPem: caKeyPem }
  const leafPem = createServingCertificate({
    ...validity,
    keyPem: leafKeyPem,
    subject: 'startgate serving',
    serial: randomBytes(16),
    dnsNames,
    ca,
  })
  return { caPem, caKeyPem, leafPem, leafKeyPem }
}

let made: Made
let other: Made
beforeAll(async () => {
  ;[made, other] = await Promise.all([make(NAMES), make(['somewhere.else.svc'])])
})

describe('a certificate', () => {
  test('reads as it was made', () => {
    expect(readCertificate(made.leafPem)).toMatchObject({
      subject: 'O=startgate\nCN=startgate serving',
      isCa: false,
      notBeforeMs: Math.floor((nowMs - HOUR_MS) / 1000) * 1000,
      notAfterMs: Math.floor((nowMs + HOUR_MS) / 1000) * 1000,
      dnsNames: NAMES,
    })
    expect(readCertificate(made.caPem)).toMatchObject({ isCa: true, dnsNames: [] })
  })

  test('belongs to its own CA and key only', () => {
    expect(isSignedBy(made.leafPem, made.caPem)).toBe(true)
    expect(isSignedBy(made.leafPem, other.caPem)).toBe(false)
    expect(isKeyOf(made.leafPem, made.leafKeyPem)).toBe(true)
    expect(isKeyOf(made.leafPem, made.caKeyPem)).toBe(false)
  })

  test('a serving certificate signs nothing', () => {
    expect(isSignedBy(made.leafPem, made.leafPem)).toBe(false)
  })

  test('no text at all is an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constant(made.leafPem.slice(0, 400)),
          fc.constant(made.leafPem.replace(/[A-M]/g, 'x')),
        ),
        text => {
          expect(readCertificate(text)).toBeUndefined()
          expect(isSignedBy(text, made.caPem)).toBe(false)
          expect(isSignedBy(made.leafPem, text)).toBe(false)
          expect(isKeyOf(made.leafPem, text)).toBe(false)
        },
      ),
    )
  })
})

describe('serial numbers', () => {
  test('500 random ones are positive, not empty and without needless zeros', async () => {
    const keyPem = await stockedKeys(1).newKeyPem()
    const serials = Array.from({ length: 500 }, () => {
      const pem = createCaCertificate({
        keyPem,
        subject: 's',
        notBeforeMs: nowMs,
        notAfterMs: nowMs + 1000,
        serial: randomBytes(16),
      })
      return serialInDer(pem)
    })
    for (const serial of serials) {
      expect(serial.length).toBe(16)
      expect(serial[0]).toBeGreaterThan(0)
      expect(serial[0]).toBeLessThan(0x80)
    }
    expect(new Set(serials.map(serial => serial.toString('hex'))).size).toBe(500)
  }, 30_000)

  test.each([0, 7, 21])('%i bytes are refused', async length => {
    const keyPem = await stockedKeys(1).newKeyPem()
    const create = () =>
      createCaCertificate({
        keyPem,
        subject: 's',
        notBeforeMs: nowMs,
        notAfterMs: nowMs,
        serial: new Uint8Array(length),
      })
    expect(create).toThrow(`not ${length}`)
  })
})

/** The bytes of the serial INTEGER: Certificate → TBSCertificate → [0] version → serialNumber. */
function serialInDer(pem: string): Buffer {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const version = der.indexOf(Buffer.from([0xa0, 0x03, 0x02, 0x01, 0x02]))
  const at = version + 5
  expect(der[at]).toBe(0x02)
  return der.subarray(at + 2, at + 2 + (der[at + 1] ?? 0))
}

describe('Node TLS', () => {
  const cases: Record<string, { ca: () => string; servername: string; want: string }> = {
    'accepts the certificate for its first name': { ca: () => made.caPem, servername: NAMES[0] ?? '', want: 'ok' },
    'accepts the certificate for its last name': { ca: () => made.caPem, servername: NAMES[1] ?? '', want: 'ok' },
    'finds the right CA in a bundle': { ca: () => other.caPem + made.caPem, servername: NAMES[0] ?? '', want: 'ok' },
    'refuses another name': { ca: () => made.caPem, servername: 'example.org', want: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    'refuses a CA it was not told of': {
      ca: () => other.caPem,
      servername: NAMES[0] ?? '',
      want: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    },
  }
  test.each(Object.entries(cases))('%s', async (_, { ca, servername, want }) => {
    expect(await handshake(made, { ca: ca(), servername })).toBe(want)
  })

  test('refuses what has expired', async () => {
    const expired = await make(NAMES, nowMs - 1000)
    expect(await handshake(expired, { ca: expired.caPem, servername: NAMES[0] ?? '' })).toBe('CERT_HAS_EXPIRED')
  })
})

/** One request to a real server on loopback; `ok` or the error's code. */
async function handshake(server: Made, client: { ca: string; servername: string }): Promise<string> {
  const listener = https.createServer({ cert: server.leafPem, key: server.leafKeyPem }, (_, response) =>
    response.end('ok'),
  )
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  try {
    return await new Promise(resolve => {
      const request = https.get({ host: '127.0.0.1', port, agent: false, ...client }, response => {
        response.resume().on('end', () => resolve('ok'))
      })
      request.on('error', error => resolve('code' in error ? String(error.code) : error.message))
    })
  } finally {
    listener.close()
  }
}
