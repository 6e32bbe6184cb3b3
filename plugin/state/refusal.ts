import { cut } from '../../core/errors.ts'
import type { StateQuery, StateRefusal } from '../../core/state-api.ts'
import { Failure } from '../model/failure.ts'
import { tooOld } from './leader.ts'

/** Reads a refusal; undefined for anything else, as a proxy or an older version may send. */
export function refusalOf(text: string): StateRefusal | undefined {
  try {
    const value = JSON.parse(text) as Partial<StateRefusal> | null
    return typeof value?.code === 'string' && typeof value.message === 'string' ? (value as StateRefusal) : undefined
  } catch {
    return undefined
  }
}

/** The code of the refusal that an error was made of; undefined for any other. */
export function refusalCode(error: unknown): string | undefined {
  return error instanceof Failure ? (error.cause as Partial<StateRefusal> | undefined)?.code : undefined
}

/** A refusal in one sentence, with what to do. */
export function sentenceOf(status: number, refusal: StateRefusal | undefined, query: StateQuery): string {
  const said = refusal ? cut(refusal.message, 300) : `HTTP ${status}`
  switch (refusal?.code) {
    case 'FORBIDDEN':
      return query.namespace === undefined
        ? `${said}; with a right in one namespace: -n NAME`
        : `${said} (asked for namespace ${query.namespace})`
    case 'NOT_FOUND':
      return tooOld(undefined)
    case 'NOT_LEADER':
      return `${said}; another replica has taken over: try again`
    case 'NO_LEADER':
      return `${said}: another one takes over within 8 s where any runs`
    default:
      return `the leader does not tell its state: ${said}`
  }
}
