import { pino } from 'pino'
import { systemClock } from '../core/clock.ts'
import { FakeCluster, stockedKeys } from './fake-cluster.ts'
import type { ServingIdentity } from './identity.ts'
import { startRotator } from './rotator.ts'

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
