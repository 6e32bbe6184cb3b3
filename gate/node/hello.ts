import { InvalidValueError, instead, notValid, shownValue } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'
import { type GateName, PULL_GATE, START_GATE } from '../../core/names.ts'
import { parseDurationMs, parsePatienceMs } from '../../core/quantity.ts'
import type { GateHello } from '../../core/waiter-api.ts'
import { MAX_ATTEMPT, TOKEN_FORM, UID_FORM, VERSION_FORM } from '../../core/wire-limits.ts'
import type { Patience } from '../pod/patience.ts'

/** What a gate says of itself, and its patience in numbers. */
export interface Caller extends Patience, Pick<GateHello, 'version' | 'attempt' | 'podUid' | 'isLost' | 'token'> {
  gate: GateName
  waitedMs: number
  /** Infinity: it never fails open. */
  leftMs: number
}

type Fields = Record<string, unknown>

/** Some 30 years: numbers beyond are no gate's. */
const MOST_SECONDS = 1e9

/** Reads a gate's line. Throws InvalidValueError that names the first bad field; an unknown one is ignored. */
export function parseHello(line: string): Caller {
  const fields = fieldsIn(line)
  const failOpenAfter = text(fields, 'failOpenAfter', DURATION)
  const failOpenJitter = text(fields, 'failOpenJitter', DURATION)
  return {
    version: text(fields, 'version', VERSION),
    gate: gateOf(fields),
    attempt: count(fields, 'attempt', 1, MAX_ATTEMPT),
    podUid: text(fields, 'podUid', UID),
    isLost: fields.isLost === true,
    failOpenAfterMs: parsePatienceMs('failOpenAfter', failOpenAfter),
    failOpenJitterMs: parseDurationMs('failOpenJitter', failOpenJitter),
    waitedMs: count(fields, 'waitedS', 0, MOST_SECONDS) * 1_000,
    leftMs: fields.leftS === null ? Number.POSITIVE_INFINITY : count(fields, 'leftS', 0, MOST_SECONDS) * 1_000,
    token: tokenOf(fields),
  }
}

function fieldsIn(line: string): Fields {
  try {
    const value: unknown = JSON.parse(line)
    if (isObject(value)) return value
  } catch {
    // Said below, without the line, which has a token in it.
  }
  throw new InvalidValueError(
    'hello',
    undefined,
    instead('is no JSON object', 'the line that the gate of startgate sends'),
  )
}

function gateOf({ gate }: Fields): GateName {
  if (gate === PULL_GATE || gate === START_GATE) return gate
  throw new InvalidValueError('gate', shownValue(gate), notValid('gate', PULL_GATE, START_GATE))
}

/** Never quoted. */
function tokenOf({ token }: Fields): string {
  if (typeof token === 'string' && TOKEN_FORM.test(token)) return token
  throw new InvalidValueError('token', undefined, instead('is missing or no token', 'the one mounted into the gate'))
}

/** What a text field must be. `choices` are examples for the sentence. */
interface Form {
  form: RegExp
  thing: string
  choices: string[]
}

const DURATION: Form = { form: /^[\w.]{1,32}$/, thing: 'duration', choices: ['60s'] }
const VERSION: Form = { form: VERSION_FORM, thing: 'version', choices: ['the one of the gate, like 1.2.3'] }
const UID: Form = { form: UID_FORM, thing: 'UID', choices: ["the pod's metadata.uid"] }

function text(fields: Fields, name: string, { form, thing, choices }: Form): string {
  const value = fields[name]
  if (typeof value === 'string' && form.test(value)) return value
  throw new InvalidValueError(name, shownValue(value), notValid(thing, ...choices))
}

function count(fields: Fields, name: string, least: number, most: number): number {
  const value = fields[name]
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new InvalidValueError(name, shownValue(value), notValid('number', `a whole one from ${least} to ${most}`))
}
