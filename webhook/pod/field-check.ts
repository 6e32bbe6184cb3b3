import { cut, instead, shownValue } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'

/** What is wrong with one field. */
export interface FieldFault {
  /** Below the value that was checked, like `.spec.containers[2].image`; empty for the value itself. */
  path: string
  /** What was seen and what should be: `is 7; use a string`. */
  problem: string
}

/** The first fault in a value, in an order that does not depend on what was seen; undefined when there is none. */
export type Check = (value: unknown) => FieldFault | undefined

/** Of labels, annotations, selectors and resources: objects of a hundred thousand keys take long to copy. */
const MOST_ENTRIES = 5_000

/** A string of any length. */
export const isText: Check = value => (typeof value === 'string' ? undefined : otherThan('a string', value))

/** A number. */
export const isNumber: Check = value => (typeof value === 'number' ? undefined : otherThan('a number', value))

/** An object of any content. */
export const isAnyObject: Check = value => (isObject(value) ? undefined : otherThan('an object', value))

/** A string of at most so many characters, or a number: a hand-written manifest may hold those. */
export function isShortText(most: number): Check {
  return value => {
    if (typeof value === 'number') return undefined
    if (typeof value !== 'string' || value.length <= most) return isText(value)
    return { path: '', problem: instead(`has ${value.length} characters`, `at most ${most}`) }
  }
}

/** Go writes an empty field as absent; null means the same. */
export function isOptional(check: Check): Check {
  return value => (value === undefined || value === null ? undefined : check(value))
}

/** A list of which each element is good. */
export function isListOf(check: Check): Check {
  return value => {
    if (!Array.isArray(value)) return otherThan('a list', value)
    for (const [index, element] of value.entries()) {
      const fault = check(element)
      if (fault) return below(`[${index}]`, fault)
    }
    return undefined
  }
}

/** An object whose fields of these names are good; it may have others. */
export function isObjectWith(fields: Record<string, Check>): Check {
  const checks = Object.entries(fields)
  return value => {
    if (!isObject(value)) return otherThan('an object', value)
    for (const [name, check] of checks) {
      const fault = check(value[name])
      if (fault) return below(`.${name}`, fault)
    }
    return undefined
  }
}

/** An object of at most 5,000 entries, of which each is good. */
export function isRecordOf(check: Check): Check {
  return value => {
    if (!isObject(value)) return otherThan('an object', value)
    const keys = Object.keys(value)
    if (keys.length > MOST_ENTRIES)
      return { path: '', problem: instead(`has ${keys.length} entries`, `at most ${MOST_ENTRIES}`) }
    for (const key of keys) {
      const fault = check(value[key])
      if (fault) return below(`[${JSON.stringify(cut(key))}]`, fault)
    }
    return undefined
  }
}

function below(step: string, { path, problem }: FieldFault): FieldFault {
  return { path: `${step}${path}`, problem }
}

function otherThan(wanted: string, value: unknown): FieldFault {
  const seen = typeof value === 'string' ? JSON.stringify(cut(value)) : shownValue(value)
  return { path: '', problem: instead(seen === undefined ? 'is missing' : `is ${seen}`, wanted) }
}
