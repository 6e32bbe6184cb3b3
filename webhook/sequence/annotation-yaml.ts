import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml'
import { cut, InvalidValueError, instead, notValid } from '../../core/errors.ts'

/** A YAML value in which each scalar is text, so that a container named `1` or `on` is no number and no boolean. */
export type Yaml = string | Yaml[] | Map<string, Yaml>

/** A value of ours has three levels at most; this keeps what recurses, the parser too, from going deep. */
const MOST_LEVELS = 8

/**
 * Reads a mapping from an annotation. Throws InvalidValueError that names `field`; `examples` are what it should look
 * like.
 */
export function parseYamlMap(field: string, text: string, examples: readonly string[]): Map<string, Yaml> {
  const fault = (problem: string) => new InvalidValueError(field, text, instead(problem, ...examples))
  if (nestsTooDeeply(text)) throw fault(`is nested more than ${MOST_LEVELS} levels deep`)
  // Without uniqueKeys, which compares each key with each; the keys are looked at here, in a Set.
  const { contents, errors } = parseDocument(text, { schema: 'failsafe', uniqueKeys: false, logLevel: 'error' })
  if (errors[0]) {
    const [why = ''] = errors[0].message.split('\n')
    throw fault(`is not valid YAML (${cut(why.replace(/:$/, ''))})`)
  }
  const value = asYaml(contents, problem => fault(`cannot be read: ${problem}`), MOST_LEVELS)
  if (!(value instanceof Map)) throw new InvalidValueError(field, text, notValid('YAML mapping', ...examples))
  return value
}

/**
 * Runs what it is given and puts bad input on the list instead of throwing it, so that one denial names every fault.
 */
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

/**
 * Whether brackets open, or marks of lists and keys follow one another on a line, more often than any value of ours has
 * levels.
 */
function nestsTooDeeply(text: string): boolean {
  let brackets = 0
  return text.split('\n').some(line => {
    let marks = 0
    return [...line.matchAll(/[[\]{}]|(?<![^\s])[-?](?=\s)/g)].some(([mark]) => {
      if (mark === '-' || mark === '?') marks++
      else brackets += mark === '[' || mark === '{' ? 1 : -1
      return Math.max(brackets, marks) > MOST_LEVELS
    })
  })
}

/** Aliases are refused: a few lines of them stand for millions of values. */
function asYaml(node: Node | null | undefined, fault: (problem: string) => InvalidValueError, levels: number): Yaml {
  if (levels === 0) throw fault('it is nested too deeply')
  if (isAlias(node)) throw fault('it has an alias, which is not supported')
  if (isSeq<Node | null>(node)) return node.items.map(item => asYaml(item, fault, levels - 1))
  if (!isMap<Node | null, Node | null>(node)) return isScalar(node) && typeof node.value === 'string' ? node.value : ''
  const map = new Map<string, Yaml>()
  for (const { key, value } of node.items) {
    const name = asYaml(key, fault, levels - 1)
    if (typeof name !== 'string') throw fault('a key is not a string')
    if (map.has(name)) throw fault(`it has the key ${JSON.stringify(cut(name))} twice`)
    map.set(name, asYaml(value, fault, levels - 1))
  }
  return map
}
