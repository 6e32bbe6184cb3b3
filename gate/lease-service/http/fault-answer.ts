import type { IncomingMessage } from 'node:http'
import { cut, messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import { RefusedError } from '../model/refusal.ts'

/** What a caller is told whose request was not served: the status, and a body's code and sentence. */
export interface FaultAnswer {
  status: number
  code: string
  message: string
}

const INTERNAL = 'the lease service failed on this request; try again, its log says why'

/**
 * What an error tells the caller: a RefusedError itself; one of fastify with a status below 500 its own sentence; of
 * any other, which is a fault of ours, nothing but that it is one.
 */
export function answerOf(error: unknown): FaultAnswer {
  if (error instanceof RefusedError) return { status: error.status, code: error.code, message: error.message }
  const status = statusIn(error)
  return status < 500
    ? { status, code: 'BAD_REQUEST', message: messageOf(error) }
    : { status, code: 'INTERNAL', message: INTERNAL }
}

/** What was asked, for the log: method and path. */
export function askedBy({ method, url = '' }: IncomingMessage): { method: string | undefined; path: string } {
  return { method, path: cut(url.split('?', 1)[0] ?? '') }
}

/** What is told of refusals. */
export interface FaultDeps {
  refused: (code: string) => void
  log: Logger
}

/** The same, counted by its code; a fault of ours is logged, with `about`: what was asked, or for whom. */
export function countedAnswerOf(error: unknown, about: object, { refused, log }: FaultDeps): FaultAnswer {
  const answer = answerOf(error)
  refused(answer.code)
  if (answer.code === 'INTERNAL') log.error({ ...about, error: messageOf(error) }, 'request failed')
  return answer
}

function statusIn(error: unknown): number {
  const { statusCode } = error instanceof Error ? (error as Error & { statusCode?: unknown }) : {}
  return typeof statusCode === 'number' ? statusCode : 500
}
