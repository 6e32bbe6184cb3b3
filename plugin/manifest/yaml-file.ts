import { readFileSync, statSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { cut, messageOf } from '../../core/errors.ts'
import { isObject } from '../../webhook/pod/pod-shape.ts'
import { unusable } from '../model/failure.ts'

const MOST_BYTES = 4 * 1024 * 1024

/** Reads a file with one mapping in YAML or JSON. Throws Failure with a sentence that names it. */
export function readMapping(path: string): Record<string, unknown> {
  const value = mappingOf(readText(path), path)
  if (!value) throw unusable(`${path} is not a YAML mapping; use one like "limits: {…}"`)
  return value
}

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

/** Undefined for YAML that is no mapping. Throws Failure for what is no YAML. */
export function mappingOf(text: string, path: string): Record<string, unknown> | undefined {
  const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' })
  const [error] = document.errors
  if (error) throw unusable(`${path} is not valid YAML: ${cut(error.message.split('\n')[0] ?? '', 200)}`)
  const value: unknown = document.toJS()
  if (value === null) return {}
  return isObject(value) ? value : undefined
}
