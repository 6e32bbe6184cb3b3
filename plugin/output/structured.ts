import { stringify } from 'yaml'
import { instead } from '../../core/errors.ts'
import { unusable } from '../model/failure.ts'

export const FORMATS = ['json', 'yaml'] as const
export type Format = (typeof FORMATS)[number]

/** Reads `-o`; undefined: text for people. */
export function formatOf(text: string | undefined): Format | undefined {
  if (text === undefined) return undefined
  const format = FORMATS.find(f => f === text)
  if (!format) throw unusable(`-o: ${JSON.stringify(text)} ${instead('is not a format', ...FORMATS)}`)
  return format
}

/** A value as JSON or YAML, with a line end. */
export function structured(value: unknown, format: Format): string {
  if (format === 'json') return `${escaped(JSON.stringify(value, null, 2))}\n`
  // What has control characters is in double quotes there too, where the same escapes are good.
  return escaped(stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }))
}

/** A value as JSON in one line, without its end. */
export const jsonLine = (value: unknown): string => escaped(JSON.stringify(value))

/** DEL and C1, which JSON lets stand as they are and some terminals obey: U+009B begins what ESC [ does. */
function escaped(text: string): string {
  return text.replace(/[\u007f-\u009f]/g, found => `\\u00${found.charCodeAt(0).toString(16)}`)
}
