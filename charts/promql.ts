/** One vector selector of an expression. */
export interface Selector {
  metric: string
  /** Labels that its matchers name. */
  labels: string[]
  /** As written, without a range or offset: `startgate_slots_held{scope="cluster"}`. */
  text: string
}

/** What a PromQL expression reads and what it keeps. */
export interface ExpressionNames {
  selectors: Selector[]
  /** Labels in `by (…)`, `on (…)` and the like. */
  groupings: string[]
}

const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\$?[a-zA-Z_:][\w:]*|\d[\w.]*|[=!]~|[!=<>]=|\S/g
const LABEL_LISTS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])
const KEYWORDS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'atan2', 'inf', 'nan'])
const IDENTIFIER = /^[a-zA-Z_:]/

interface Token {
  text: string
  start: number
  end: number
}

/**
 * The names in a PromQL expression, by its tokens: what is no keyword, function, aggregation or label is a metric.
 * Whether the expression is valid is for promtool to say. Throws on a bracket that is not closed.
 */
export function namesIn(expression: string): ExpressionNames {
  const tokens = [...expression.matchAll(TOKEN)].map(({ 0: text, index }) => ({
    text,
    start: index,
    end: index + text.length,
  }))
  const found: ExpressionNames = { selectors: [], groupings: [] }
  for (let at = 0; at < tokens.length; at += 1) {
    const { text, start, end } = tokens[at] as Token
    const next = tokens[at + 1]?.text
    if (text === '[') at = closing(tokens, at, ']')
    else if (LABEL_LISTS.has(text) && next === '(') {
      const last = closing(tokens, at + 1, ')')
      found.groupings.push(...identifiers(tokens.slice(at + 2, last)))
      at = last
    } else if (isMetric(text, next)) {
      const last = next === '{' ? closing(tokens, at + 1, '}') : at
      const labels = identifiers(tokens.slice(at + 1, last))
      const textEnd = tokens[last]?.end ?? end
      found.selectors.push({ metric: text, labels, text: expression.slice(start, textEnd) })
      at = last
    }
  }
  return found
}

function isMetric(text: string, next: string | undefined): boolean {
  const isNamed = IDENTIFIER.test(text) && !KEYWORDS.has(text.toLowerCase())
  // A function, or an aggregation with its labels before its argument.
  return isNamed && next !== '(' && !(next !== undefined && LABEL_LISTS.has(next))
}

function closing(tokens: Token[], from: number, bracket: string): number {
  const at = tokens.findIndex(({ text }, index) => index > from && text === bracket)
  if (at < 0) throw new Error(`${tokens[from]?.text} at ${tokens[from]?.start} is not closed by ${bracket}`)
  return at
}

const identifiers = (tokens: Token[]): string[] => tokens.flatMap(({ text }) => (IDENTIFIER.test(text) ? [text] : []))
