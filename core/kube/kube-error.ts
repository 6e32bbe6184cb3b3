import { CodedError } from '../errors.ts'
import { isObject } from '../is-object.ts'

/** What a Kubernetes API server sends with an error answer, and inside a watch's ERROR event. */
export interface ApiStatus {
  kind?: string
  code?: number
  reason?: string
  message?: string
  details?: { retryAfterSeconds?: number }
}

/**
 * A request to the API server that did not succeed. `status` is the HTTP status, 0 when there was no answer; `reason`
 * is the API's own word (`NotFound`, `Conflict` …) or, without an answer, `Timeout`, `ConnectionRefused`,
 * `ConnectionLost`.
 */
export class KubeError extends CodedError {
  readonly code = 'KUBE_API'
  readonly status: number
  readonly reason: string
  /** How long the server asked us to stay away. */
  readonly retryAfterMs: number | undefined
  constructor(
    message: string,
    fields: { status: number; reason: string; retryAfterMs?: number | undefined },
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.status = fields.status
    this.reason = fields.reason
    this.retryAfterMs = fields.retryAfterMs
  }
}

/** The error for an answer outside 2xx; a body that is no Status (a proxy's page) is cut down and shown. */
export function kubeErrorOfAnswer(what: string, status: number, body: string): KubeError {
  let parsed: ApiStatus = {}
  try {
    const value: unknown = JSON.parse(body)
    if (isObject(value)) parsed = value as ApiStatus
  } catch {
    parsed = { message: body.slice(0, 200) }
  }
  return kubeErrorOfStatus(what, { ...parsed, code: status })
}

/** The error for a Status object. */
export function kubeErrorOfStatus(what: string, status: ApiStatus): KubeError {
  const code = status.code ?? 0
  const reason = status.reason || (code === 410 ? 'Expired' : 'Unknown')
  const seconds = status.details?.retryAfterSeconds
  return new KubeError(`${what}: ${code} ${reason}: ${status.message ?? 'no message'}`, {
    status: code,
    reason,
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
  })
}

/** The object does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.status === 404
}

/** For `catch`: an error that is expected is no value, any other is thrown. */
export function orUndefined(expected: (error: unknown) => boolean): (error: unknown) => undefined {
  return error => {
    if (!expected(error)) throw error
    return undefined
  }
}

/** The object changed since the resourceVersion, or is not the uid, that the write was conditional on. */
export function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason !== 'AlreadyExists'
}

/** A create found an object of that name. */
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason === 'AlreadyExists'
}

/** The resourceVersion or continue token is too old: list again. */
export function isGone(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone')
}

/** A write may or may not have happened: read again before deciding anything. */
export function isAmbiguous(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false
  return error.status >= 500 || (error.status === 0 && error.reason !== 'ConnectionRefused')
}
