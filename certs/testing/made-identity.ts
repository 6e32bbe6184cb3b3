import { pino } from 'pino'
import { systemClock } from '../../core/clock.ts'
import type { ServingIdentity } from '../identity.ts'
import { systemKeys } from '../keys.ts'
import { startRotator } from '../rotator.ts'
import { createCaCertificate, createServingCertificate } from '../x509.ts'
import { FakeCluster, stockedKeys } from './fake-cluster.ts'

/** For tests: a certificate that a TLS server can serve and its CAs, as a new installation makes them. */
export async function madeIdentity(dnsName: string): Promise<ServingIdentity> {
  const cluster = new FakeCluster()
  const rotator = startRotator({
    secret: cluster,
    publisher: cluster,
    keys: stockedKeys(4, 2048),
    clock: systemClock,
    log: pino({ level: 'silent' }),
    dnsNames: { serving: [dnsName], leaseService: [dnsName] },
  })
  await rotator.poke()
  rotator.stop()
  const made = rotator.current()
  if (!made) throw new Error('no certificate was made')
  return made
}

/** For tests: a certificate that a TLS client can show, and the CA to verify it with. */
export async function madeClient(commonName: string): Promise<{ certPem: string; keyPem: string; caPem: string }> {
  const [caKeyPem, keyPem] = await Promise.all([systemKeys.newKeyPem(), systemKeys.newKeyPem()])
  const validity = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 }
  const subject = `CA of ${commonName}`
  const caPem = createCaCertificate({ keyPem: caKeyPem, subject, serial: Buffer.alloc(8, 1), ...validity })
  const certPem = createServingCertificate({
    keyPem,
    subject: commonName,
    serial: Buffer.alloc(8, 2),
    ...validity,
    dnsNames: [commonName],
    ca: { certPem: caPem, keyPem: caKeyPem },
    usage: 'clientAuth',
  })
  return { certPem, keyPem, caPem }
}
