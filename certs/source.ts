import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { decodeBundle } from './bundle.ts'
import { IdentityHolder, type IdentityView } from './identity.ts'
import { startLoop } from './loop.ts'
import type { Expiries } from './rotator.ts'
import type { LocatedSecretReader } from './store.ts'
import { readCertificate } from './x509.ts'

export interface SourceOptions {
  secret: LocatedSecretReader
  /** Who keeps the certificates, for what is said when there are none. */
  maker: 'the webhook' | 'cert-manager'
  log: Logger
  /** Time between two reads, once there is a certificate; 5 s. */
  intervalMs?: number
}

export interface CertificateSource extends IdentityView {
  /** Reads now. Never rejects. */
  poke(): Promise<void>
  stop(): void
  expiries(): Pick<Expiries, 'servingMs'> | undefined
}

const INTERVAL_MS = 5_000
const FIRST_INTERVAL_MS = 1_000
const UNUSABLE = 'holds no certificate with its key and its CA (tls.crt, tls.key, ca.crt)'
const KEPT = 'cannot take the new serving certificate; the one before is served on'
const NONE_YET = 'there is no serving certificate yet'

/** Follows the certificates that somebody else keeps; reads the Secret and writes nothing. */
export function startCertificateSource({
  secret,
  maker,
  log,
  intervalMs = INTERVAL_MS,
}: SourceOptions): CertificateSource {
  const holder = new IdentityHolder()
  const named = `the Secret ${secret.location.namespace}/${secret.location.name}`
  let lastProblem = ''
  /** One line a problem, not one each five seconds. */
  const report = (problem: string) => {
    if (problem !== lastProblem && problem !== '') log.warn({ problem }, holder.current() ? KEPT : NONE_YET)
    lastProblem = problem
  }
  const check = async () => {
    try {
      const read = await secret.read()
      if (!read) return report(`${named} does not exist: ${maker} makes it when it runs`)
      const change = holder.offer(decodeBundle(read.data))
      report(change === 'Unusable' ? `${named} ${UNUSABLE}: ${maker} must repair it` : '')
      if (change === 'Changed') log.info('serving certificate in use')
    } catch (error) {
      report(`${named} cannot be read: ${messageOf(error)}`)
    }
  }
  const loop = startLoop(check, () => (holder.current() ? intervalMs : FIRST_INTERVAL_MS))
  return {
    ...loop,
    current: () => holder.current(),
    onChange: listener => holder.onChange(listener),
    expiries: () => {
      const identity = holder.current()
      return identity && { servingMs: readCertificate(identity.certPem)?.notAfterMs ?? 0 }
    },
  }
}
