import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { decodeBundle } from './bundle.ts'
import { IdentityHolder, type IdentityView } from './identity.ts'
import { startLoop } from './loop.ts'
import type { SecretReader } from './store.ts'

export interface SourceOptions {
  secret: SecretReader
  log: Logger
  /** Time between two reads, once there is a certificate; 5 s. */
  intervalMs?: number
}

export interface CertificateSource extends IdentityView {
  /** Reads now. Never rejects. */
  poke(): Promise<void>
  stop(): void
}

const INTERVAL_MS = 5_000
const FIRST_INTERVAL_MS = 1_000

/** Follows the certificates that the webhook's replicas keep; reads the Secret and writes nothing. */
export function startCertificateSource({ secret, log, intervalMs = INTERVAL_MS }: SourceOptions): CertificateSource {
  const holder = new IdentityHolder()
  let lastProblem = ''
  /** one line a problem, not one each five seconds. */
  const report = (problem: string) => {
    if (problem !== lastProblem && problem !== '') log.warn({ problem }, 'certificates unchanged')
    lastProblem = problem
  }
  const check = async () => {
    try {
      const read = await secret.read()
      if (!read) return report('the Secret does not exist: the webhook makes it when it runs')
      const change = holder.offer(decodeBundle(read.data))
      report(change === 'Unusable' ? 'the Secret holds no certificate with its key: the webhook will repair it' : '')
      if (change === 'Changed') log.info('serving certificate in use')
    } catch (error) {
      report(`the Secret cannot be read: ${messageOf(error)}`)
    }
  }
  const loop = startLoop(check, () => (holder.current() ? intervalMs : FIRST_INTERVAL_MS))
  return { ...loop, current: () => holder.current(), onChange: listener => holder.onChange(listener) }
}
