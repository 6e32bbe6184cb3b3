import { parse } from 'yaml'
import { InvalidValueError } from '../core/errors.ts'

/** A YAML value in which each scalar is text, so that a container named `1` or `on` is no number and no boolean. */
export type Yaml = string | Yaml[] | Map<string, Yaml>

/** Reads a mapping from an annotation. Throws InvalidValueError that names `field`; `example` is what it should look like. */
export function parseYamlMap(field: string, text: string, example: string): Map<string, Yaml> {
  let value: unknown
  try {
    value = parse(text, { schema: 'failsafe', mapAsMap: true, logLevel: 'error' })
  } catch (error) {
    const [why = ''] = String(error instanceof Error ? error.message : error).split('\n')
    throw new InvalidValueError(field, text, `is no YAML (${why.replace(/:$/, '')}): write it like ${example}`)
  }
  if (!(value instanceof Map)) throw new InvalidValueError(field, text, `is no mapping: write it like ${example}`)
  return new Map([...value].map(([key, item]) => [String(key), asYaml(item)]))
}

/** Runs what it is given and puts bad input on the list instead of throwing it, so that one denial names every fault. */
export function collectingInto(problems: string[]): (act: () => void) => void {
  return act => {
    try {
      act()
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error
      problems.push(error.message)
    }
  }
}

/** A value on one line, for a sentence about it. */
export function shownYaml(value: Yaml): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return `[${value.map(shownYaml).join(', ')}]`
  return `{${[...value].map(([key, item]) => `${key}: ${shownYaml(item)}`).join(', ')}}`
}

function asYaml(value: unknown): Yaml {
  if (Array.isArray(value)) return value.map(asYaml)
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [String(key), asYaml(item)]))
  return typeof value === 'string' ? value : ''
}
