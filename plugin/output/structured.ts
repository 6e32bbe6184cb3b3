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
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}
