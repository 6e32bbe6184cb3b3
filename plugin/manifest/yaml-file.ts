import { readFileSync, statSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { cut, messageOf } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'
import { unusable } from '../model/failure.ts'
import { hasCycle } from './cycle.ts'

const MOST_BYTES = 4 * 1024 * 1024

/** Throws Failure for what cannot be read or is longer than 4 MiB. */
export function readText(path: string): string {
  try {
    const { size } = statSync(path)
    if (size <= MOST_BYTES) return readFileSync(path, 'utf8')
  } catch (error) {
    throw unusable(`${path} cannot be read: ${messageOf(error)}`)
  }
  throw unusable(`${path} is longer than ${MOST_BYTES / 1024 / 1024} MiB; use a smaller file`)
}

/** Undefined for YAML that is no mapping. Throws Failure for what is no YAML, or stands for far more than it is. */
export function mappingOf(text: string, path: string): Record<string, unknown> | undefined {
  const value = parsed(text, path)
  if (hasCycle(value)) throw unusable(`${path} is not readable YAML: an alias stands inside its own anchor`)
  if (value === null) return {}
  return isObject(value) ? value : undefined
}

function parsed(text: string, path: string): unknown {
  try {
    const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' })
    const [error] = document.errors
    if (error) throw error
    return document.toJS()
  } catch (error) {
    // The parser calls itself for each level, and aliases that stand for too much fail only when they are resolved.
    const why = error instanceof RangeError ? 'it is nested too deeply' : (messageOf(error).split('\n')[0] ?? '')
    throw unusable(`${path} is not valid YAML: ${cut(why, 200)}`)
  }
}
