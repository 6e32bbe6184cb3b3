import { InvalidValueError, instead, notValid } from './errors.ts'

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const DURATION = /^(\d+(?:\.\d+)?(?:ms|s|m|h))+$/

/**
 * A duration in Go's notation (`90s`, `1m30s`, `500ms`) in ms.
 * Throws InvalidValueError that names `field` on anything else, a bare number included: its unit would be a guess.
 */
export function parseDurationMs(field: string, text: string): number {
  const trimmed = text.trim()
  if (!DURATION.test(trimmed)) throw new InvalidValueError(field, text, notValid('duration', '90s', '2m'))
  let ms = 0
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    ms += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0)
  if (!Number.isSafeInteger(Math.round(ms)))
    throw new InvalidValueError(field, text, instead('is too long for a duration', '90s', '2m'))
  return Math.round(ms)
}

/** A duration in ms, or Infinity for `never`. Throws InvalidValueError that names `field` on anything else. */
export function parsePatienceMs(field: string, text: string): number {
  if (text.trim() === 'never') return Number.POSITIVE_INFINITY
  try {
    return parseDurationMs(field, text)
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error
    throw new InvalidValueError(field, text, notValid('duration', '90s', '2m', 'never (fail closed)'))
  }
}

/** A whole number of at least 0. Throws InvalidValueError that names `field` on anything else. */
export function parseCount(field: string, text: string): number {
  const trimmed = text.trim()
  if (!/^\d{1,9}$/.test(trimmed)) throw new InvalidValueError(field, text, notValid('whole number', '4', '0 (freezes)'))
  return Number(trimmed)
}

/** What stands in place of a limit that each node finds by itself. */
export const AUTO = 'auto'

/** A whole number of at least 0, or `auto`. Throws InvalidValueError that names `field` on anything else. */
export function parseCountOrAuto(field: string, text: string): number | typeof AUTO {
  if (text.trim() === AUTO) return AUTO
  try {
    return parseCount(field, text)
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error
    throw new InvalidValueError(field, text, notValid('limit', '4', '0 (freezes)', 'auto'))
  }
}

/** A share of at least 0.01 and at most 100. Throws InvalidValueError that names `field` on anything else. */
export function parseWeight(field: string, text: string): number {
  const weight = /^\d{1,3}(\.\d{1,6})?$/.test(text.trim()) ? Number(text) : Number.NaN
  if (!(weight >= 0.01 && weight <= 100))
    throw new InvalidValueError(field, text, notValid('weight', '2', 'another number from 0.01 to 100'))
  return weight
}

/** A number of at least 0, with decimals (`0.5`). Throws InvalidValueError that names `field` on anything else. */
export function parseFactor(field: string, text: string): number {
  const trimmed = text.trim()
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(trimmed)) throw new InvalidValueError(field, text, notValid('number', '1', '0.5'))
  return Number(trimmed)
}

/** `count` in each `periodMs`. */
export interface Rate {
  count: number
  periodMs: number
}

const PERIOD_MS: Record<string, number> = { s: 1_000, min: 60_000, h: 3_600_000 }

/** A rate like `10/s`, `6/min` or `100/h`; at least 1. Throws InvalidValueError that names `field` on anything else. */
export function parseRate(field: string, text: string): Rate {
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})\/(s|min|h)$/.exec(text.trim()) ?? []
  const periodMs = PERIOD_MS[unit]
  if (periodMs === undefined)
    throw new InvalidValueError(field, text, notValid('rate', '10/s', '6/min', '100/h (to freeze, set a limit of 0)'))
  return { count: Number(count), periodMs }
}

const SUFFIX: Record<string, number> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** The API server writes none with more; a number on the wire may be any. */
const MOST_DIGITS = 64

/**
 * A Kubernetes resource quantity as a number of its base unit (cores, bytes); undefined when it is none.
 * Source: k8s.io/apimachinery/pkg/api/resource, `<signedNumber><suffix>`.
 */
export function parseQuantity(value: string | number | undefined): number | undefined {
  const text = String(value ?? '')
  if (text.length > MOST_DIGITS) return undefined
  const match = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text)
  return match ? Number(match[1]) * (SUFFIX[match[2] ?? ''] ?? 1) : undefined
}

/**
 * Cores (`cpu`) or bytes (all else) as a quantity; what is finer than the API server keeps, 1m and 1 byte, is rounded
 * up.
 */
export function formatQuantity(name: string, value: number): string {
  if (name === 'cpu') {
    const millis = Math.ceil(value * 1000 - 1e-6)
    return millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`
  }
  const bytes = Math.ceil(value)
  const unit = (['Gi', 'Mi', 'Ki'] as const).find(suffix => bytes > 0 && bytes % (SUFFIX[suffix] ?? 1) === 0)
  return unit ? `${bytes / (SUFFIX[unit] ?? 1)}${unit}` : String(bytes)
}

/**
 * `on` alone: whoever wants it off takes the annotation away, and one that says off could not undo the chart's value.
 */
export function parseOn(field: string, text: string): boolean {
  if (text.trim() !== 'on') throw new InvalidValueError(field, text, instead('is not on', 'on', 'no such annotation'))
  return true
}
