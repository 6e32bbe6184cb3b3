import type { IncomingMessage } from 'node:http'
import { cut, instead, messageOf } from '../../core/errors.ts'
import { parseBody } from './body.ts'
import type { BodyBudget } from './body-budget.ts'

/** The API server takes objects of 3 MiB; in a review they were seen to grow by a quarter. */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024
/**
 * Of all reviews that are being received: three of the largest. The process grew by 66 MB under an attack that filled
 * it.
 */
export const BYTES_IN_FLIGHT = 32 * 1024 * 1024

/** What a chunk costs besides its bytes: a body may come one byte at a time. */
const CHUNK_BYTES = 256

/** The body is refused; `statusCode` is the HTTP answer. */
export class BodyRefusedError extends Error {
  readonly code: string
  readonly statusCode: number
  constructor(statusCode: number, code: string, message: string) {
    super(message)
    this.statusCode = statusCode
    this.code = code
  }
}

/**
 * Receives a request's body and parses it. Throws BodyRefusedError: too large, not JSON, incomplete, or too much at
 * once.
 */
export async function reviewBody(request: IncomingMessage, budget: BodyBudget): Promise<unknown> {
  const text = await receive(request, budget)
  try {
    // Not fastify's own parser: it refuses keys like __proto__, which are legal in JSON and harmless in data that is
    // only looked at.
    return parseBody(text)
  } catch (error) {
    throw new BodyRefusedError(
      400,
      'NOT_JSON',
      instead(`the body is not valid JSON (${cut(messageOf(error))})`, 'an AdmissionReview'),
    )
  }
}

function receive(request: IncomingMessage, budget: BodyBudget): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let chunks: Buffer[] = []
  let bytes = 0
  const stop = (error: BodyRefusedError): void => {
    body.close()
    chunks = []
    request.removeListener('data', take).pause()
    reject(error)
  }
  const body = budget.open(request.socket.remoteAddress ?? '', () => stop(tooMuchAtOnce()))
  const take = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes > BODY_LIMIT_BYTES) {
      stop(tooLarge())
      return
    }
    chunks.push(chunk)
    body.add(chunk.length + CHUNK_BYTES)
  }
  request.on('data', take)
  request.on('end', () => {
    body.close()
    resolve(Buffer.concat(chunks).toString('utf8'))
  })
  const broken = () => stop(new BodyRefusedError(400, 'BODY_INCOMPLETE', 'the body ended before it was whole'))
  request.on('error', broken).on('close', broken)
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES) stop(tooLarge())
  return promise
}

function tooLarge(): BodyRefusedError {
  const most = BODY_LIMIT_BYTES / 1024 / 1024
  return new BodyRefusedError(
    413,
    'BODY_TOO_LARGE',
    `the body is larger than ${most} MiB, more than the API server sends`,
  )
}

function tooMuchAtOnce(): BodyRefusedError {
  const most = BYTES_IN_FLIGHT / 1024 / 1024
  return new BodyRefusedError(429, 'TOO_MUCH_AT_ONCE', `over ${most} MiB of reviews are being received: try again`)
}
