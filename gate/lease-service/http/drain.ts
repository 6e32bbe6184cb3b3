import type { FastifyInstance } from 'fastify'
import type { Logger } from '../../../core/log.ts'

export interface DrainOptions {
  /** Hands the leadership over. */
  resign(): Promise<void>
  /** Sends the Events that have been recorded. */
  flushEvents(): Promise<void>
  /** How long to go on answering with the leader's address, until nobody is sent here any more. */
  lameDuckMs: number
  sleep(ms: number): Promise<unknown>
  log: Logger
}

/** What open answers and Events may still take: the kubelet kills a container that takes too long to end. */
const PATIENCE_MS = 2_000

/** The end of a replica: another leads before this one stops answering. */
export async function drain(server: Pick<FastifyInstance, 'close'>, options: DrainOptions): Promise<void> {
  const { resign, flushEvents, lameDuckMs, sleep, log } = options
  log.info('stopping: handing over first, then serving directions until nobody comes here any more')
  await resign()
  await sleep(lameDuckMs)
  await Promise.race([Promise.all([server.close(), flushEvents()]), sleep(PATIENCE_MS)])
}
