import { InvalidValueError, instead, notValid } from '../../../core/errors.ts'
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../../core/state-api.ts'

/** What somebody asks of the state, read and judged. */
export interface ParsedQuery {
  namespace?: string
  pod?: string
  scope?: string
  limit: number
  /** Where the answer before ended: the last gate's id, and how many were told. */
  after?: { offset: number; id: string }
  watch: boolean
}

/** Longer than any query that means something; the rest is not looked at. */
export const MAX_QUERY_LENGTH = 2_048
const PARAMETERS = ['namespace', 'pod', 'scope', 'limit', 'continue', 'watch'] as const
type Parameter = (typeof PARAMETERS)[number]

/** RFC 1123: a label, and a subdomain. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9][a-z0-9.-]{0,252}$/
/** As `scopeRef` makes them. */
const SCOPE = /^[a-z][\w./:-]{0,600}$/
const TOKEN = /^(\d{1,9}) ([\w.-]{1,300})$/

/** Reads the part of an address after `?`. Throws InvalidValueError on anything it does not know. Linear. */
export function stateQuery(text: string): ParsedQuery {
  if (text.length > MAX_QUERY_LENGTH)
    throw new InvalidValueError('query', text, instead('is too long', `at most ${MAX_QUERY_LENGTH} characters`))
  const given = parametersOf(text)
  const read = <T>(parameter: Parameter, parse: (value: string) => T): T | undefined => {
    const value = given.get(parameter)
    return value === undefined ? undefined : parse(value)
  }
  const [namespace, pod, scope] = [read('namespace', namespaceOf), read('pod', podOf), read('scope', scopeOf)]
  const watch = read('watch', watchOf) ?? false
  const after = read('continue', afterOf)
  if (pod !== undefined && namespace === undefined)
    throw new InvalidValueError('pod', pod, instead('has no namespace', 'namespace=NAMESPACE&pod=POD'))
  if (watch && after)
    throw new InvalidValueError('watch', 'true', instead('cannot continue an answer', 'watch without continue'))
  return {
    ...(namespace !== undefined && { namespace }),
    ...(pod !== undefined && { pod }),
    ...(scope !== undefined && { scope }),
    limit: read('limit', limitOf) ?? DEFAULT_LIMIT,
    ...(after && { after }),
    watch,
  }
}

function parametersOf(text: string): Map<Parameter, string> {
  const given = new Map<Parameter, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    const known = PARAMETERS.find(parameter => parameter === name)
    if (!known) throw new InvalidValueError('query', name, notValid('parameter', ...PARAMETERS))
    if (given.has(known)) throw new InvalidValueError(known, value, instead('is there twice', 'one of them'))
    given.set(known, value)
  }
  return given
}

function namespaceOf(value: string): string {
  if (LABEL.test(value)) return value
  throw new InvalidValueError('namespace', value, notValid('name of a namespace', 'shop'))
}

function podOf(value: string): string {
  if (SUBDOMAIN.test(value)) return value
  throw new InvalidValueError('pod', value, notValid('name of a pod', 'web-7d9c5b-abcde'))
}

function scopeOf(value: string): string {
  if (SCOPE.test(value)) return value
  throw new InvalidValueError('scope', value, notValid('scope', 'cluster', 'node/NAME', 'namespace/NAME'))
}

function limitOf(value: string): number {
  const limit = /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new InvalidValueError('limit', value, notValid('limit', `a whole number from 1 to ${MAX_LIMIT}`))
}

function afterOf(value: string): NonNullable<ParsedQuery['after']> {
  const [, offset, id] = TOKEN.exec(Buffer.from(value.slice(0, 500), 'base64url').toString()) ?? []
  if (offset !== undefined && id !== undefined) return { offset: Number(offset), id }
  throw new InvalidValueError('continue', value, instead('is of no answer', 'waiting.continue of the one before'))
}

function watchOf(value: string): boolean {
  if (['', '1', 'true'].includes(value)) return true
  if (['0', 'false'].includes(value)) return false
  throw new InvalidValueError('watch', value, notValid('value', 'watch', 'watch=true', 'watch=false'))
}
