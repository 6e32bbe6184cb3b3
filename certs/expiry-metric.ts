import { Gauge, type Registry } from 'prom-client'
import type { Expiries } from './rotator.ts'

/** Certificates that near their end show here long before anything fails. */
export function watchExpiries(registry: Registry, expiries: () => Partial<Expiries> | undefined): void {
  new Gauge({
    name: 'startgate_certificate_expiry_seconds',
    help: 'When each certificate ends, in seconds since the epoch.',
    labelNames: ['certificate'],
    registers: [registry],
    collect() {
      const { servingMs, signingCaMs, nextCaMs } = expiries() ?? {}
      const ends = { serving: servingMs, 'signing-ca': signingCaMs, 'next-ca': nextCaMs }
      for (const [certificate, endMs] of Object.entries(ends))
        if (endMs !== undefined) this.set({ certificate }, endMs / 1000)
    },
  })
}
