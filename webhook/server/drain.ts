import type { FastifyInstance } from 'fastify'
import type { Logger } from '../../core/log.ts'

export interface DrainOptions {
  /** How long to go on serving, until no API server sends here any more. Measured: closing at once loses calls. */
  lameDuckMs: number
  sleep(ms: number): Promise<unknown>
  log: Logger
}

/**
 * The end of a server that is being shut down: it serves on for the lame-duck time, then takes no more connections and
 * finishes what is under way. Set the server's `isDraining` first: /readyz fails and answers carry `Connection: close`.
 */
export async function drain(server: FastifyInstance, { lameDuckMs, sleep, log }: DrainOptions): Promise<void> {
  log.info({ lameDuckMs }, 'draining')
  await sleep(lameDuckMs)
  await server.close()
  log.info('drained')
}
