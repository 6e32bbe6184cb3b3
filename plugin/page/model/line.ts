import type { State } from '../../../core/state-api.ts'
import type { ScopeState, WaitingGate } from '../../../core/state-rows.ts'
import { about, CAUSE_WORDS, count, number, RESOURCE_WORDS, scopeWords, since, theirs, usedWords } from './words.ts'

/** One of the lines to choose from. */
export interface LineChoice {
  /** `all`, `other` (gates that wait for no slot), or the id of a scope. */
  id: string
  title: string
  gates: number
  detail: string
  isFrozen: boolean
}

export interface LineRow {
  id: string
  place: string
  namespace: string
  pod: string
  containers: string
  needs: string
  node: string
  /** What kind of wait, in two words, and the reason in one sentence. */
  cause: string
  reason: string
  waits: string
  estimate: string
}

export interface Line {
  choices: LineChoice[]
  /** How many lines there are besides. */
  moreChoices: number
  chosen: LineChoice
  rows: WaitingGate[]
  /** There are more than were told: `rows` are those whose turn is next. */
  total: number
  /** How much of the chosen scope is used and where its limit is written. */
  scope?: ScopeState
}

const ALL = 'all'
/** Lines to choose from at most; others have an address all the same. */
export const MOST_CHOICES = 100
/** Gates that wait for something other than slots. */
const OTHER = 'other'

/** What is shown of the line `id` (`all` where there is no such line); `filter`: part of a name. */
export function lineOf(state: State, id: string, filter: string): Line {
  const long = choicesOf(state)
  const empty = long.some(choice => choice.id === id) ? undefined : choiceOf(state, id)
  const listed = long.filter((choice, i) => i < MOST_CHOICES || choice.id === id || choice.id === OTHER)
  const choices = empty ? [...listed, empty] : listed
  const chosen = choices.find(choice => choice.id === id) ?? (choices[0] as LineChoice)
  const rows = state.waiting.items.filter(row => isIn(row, chosen.id) && matches(row, filter))
  const scope = state.scopes.items.find(row => row.id === chosen.id)
  return {
    choices,
    moreChoices: Math.max(0, long.length - MOST_CHOICES),
    chosen,
    rows,
    total: filter === '' ? Math.max(rows.length, chosen.gates) : rows.length,
    ...(scope && { scope }),
  }
}

/** What is written in a row. */
export function lineRow(row: WaitingGate, nowMs: number): LineRow {
  return {
    ...{ id: row.id, namespace: row.namespace, pod: row.pod, node: row.node },
    place: row.scope === undefined ? '–' : `${number(row.place)} of ${number(row.of)}`,
    containers: row.resource === 'pull' ? 'image pull' : row.containers.join(', '),
    needs: `${row.slots} ${row.resource}`,
    cause: CAUSE_WORDS[row.cause] ?? row.cause,
    reason: theirs(row.reason).replace(/^(?:start|pull): /, ''),
    waits: since(row.sinceMs, nowMs),
    estimate: row.cause === 'frozen' ? 'not while frozen' : about(row.estimateMs),
  }
}

function matches({ namespace, pod, node }: Pick<WaitingGate, 'namespace' | 'pod' | 'node'>, filter: string): boolean {
  const part = filter.trim().toLowerCase()
  return part === '' || `${namespace}/${pod}`.includes(part) || node.includes(part)
}

/** The scope to ask for when `id` is a line of which not all was told. */
export function scopeOfLine(state: State, id: string): string | undefined {
  const scope = state.scopes.items.find(row => row.id === id)
  if (!scope || scope.gates === 0) return undefined
  const told = state.waiting.items.reduce((sum, row) => sum + (isIn(row, id) ? 1 : 0), 0)
  return told < scope.gates ? scope.scope : undefined
}

function isIn(row: WaitingGate, id: string): boolean {
  if (id === ALL) return true
  return row.scope === undefined ? id === OTHER : id === `${row.resource}:${row.scope}`
}

/** All of it, then the longest lines first, then what waits for no slot. */
function choicesOf(state: State): LineChoice[] {
  const scopes = state.scopes.items
    .filter(({ gates, frozen }) => gates > 0 || frozen)
    .sort((a, b) => b.gates - a.gates || (a.id < b.id ? -1 : 1))
    .map(scopeChoice)
  const others = state.waiting.items.filter(row => row.scope === undefined).length
  return [
    { id: ALL, title: 'All that wait', gates: state.waiting.total, detail: 'every line', isFrozen: false },
    ...scopes,
    ...(others > 0
      ? [
          {
            id: OTHER,
            title: 'No slot needed yet',
            gates: others,
            detail: 'come after others, or were set aside',
            isFrozen: false,
          },
        ]
      : []),
  ]
}

/** A line that is empty at the moment, so that a page that shows it does not jump. */
function choiceOf(state: State, id: string): LineChoice | undefined {
  const scope = state.scopes.items.find(row => row.id === id)
  if (scope) return scopeChoice(scope)
  return id === OTHER
    ? { id, title: 'No slot needed yet', gates: 0, detail: 'come after others, or were set aside', isFrozen: false }
    : undefined
}

function scopeChoice(scope: ScopeState): LineChoice {
  return {
    id: scope.id,
    title: `${RESOURCE_WORDS[scope.resource]}, ${scopeWords(scope)}`,
    gates: scope.gates,
    detail: scope.frozen ? 'frozen' : `${usedWords(scope)} used`,
    isFrozen: scope.frozen,
  }
}

/** Said where there are no rows. */
export function emptyWords({ chosen, scope }: Line, filter: string): string {
  if (filter.trim() !== '')
    return `Nobody in this line has “${filter.trim()}” in the name of its pod, namespace or node.`
  if (scope) return `Nobody waits here. In use: ${count(scope.held + scope.debt, 'slot')}.`
  return chosen.id === OTHER ? 'Nobody waits for others.' : 'Nobody waits: every pod that asked has its slots.'
}
