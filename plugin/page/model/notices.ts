import type { State } from '../../../core/state-api.ts'
import { number, scopeWords } from './words.ts'

/** Something that a person should look at. */
export interface Notice {
  id: string
  tone: 'bad' | 'warn' | 'info'
  text: string
  /** A route of the page where there is more. */
  href?: string
}

/** What happened so long ago is no news. */
const NEWS_MS = 10 * 60_000
const MOST_NAMES = 3

/** The worst first. */
export function noticesOf(state: State, nowMs: number): Notice[] {
  return [
    ...failOpens(state, nowMs),
    ...lostNodes(state),
    ...frozen(state),
    ...timeouts(state, nowMs),
    ...heldBack(state),
    ...setAside(state),
  ]
}

function failOpens({ recent }: State, nowMs: number): Notice[] {
  const rows = recent.failOpens.items.filter(({ atMs }) => nowMs - atMs < NEWS_MS)
  const text = `${number(rows.length)} ${rows.length === 1 ? 'pod' : 'pods'} started without a slot in the last 10 min (failed open): ${names(rows.map(({ pod }) => pod))}`
  return rows.length === 0 ? [] : [{ id: 'fail-open', tone: 'bad', text }]
}

function lostNodes({ nodes }: State): Notice[] {
  const lost = nodes.items.filter(node => node.lost).map(({ id }) => id)
  if (lost.length === 0) return []
  const text = `${lost.length === 1 ? 'A node is' : `${number(lost.length)} nodes are`} lost: ${names(lost)}`
  return [{ id: 'lost', tone: 'bad', text, href: '#/nodes/trouble' }]
}

function frozen({ scopes }: State): Notice[] {
  const rows = scopes.items.filter(scope => scope.frozen)
  if (rows.length === 0) return []
  const [first] = rows
  const text = `Frozen, nobody starts there: ${names(rows.map(scopeWords))}${rows.length === 1 && first?.source ? ` (${first.source})` : ''}`
  return [{ id: 'frozen', tone: 'warn', text, href: first ? `#/line/${encodeURIComponent(first.id)}` : '#/line' }]
}

function timeouts({ recent }: State, nowMs: number): Notice[] {
  const rows = recent.timeouts.items.filter(({ atMs }) => nowMs - atMs < NEWS_MS)
  const text = `${number(rows.length)} ${rows.length === 1 ? 'container was' : 'containers were'} not ready in time in the last 10 min: ${names(rows.map(({ pod, container }) => `${pod} ${container}`))}`
  return rows.length === 0 ? [] : [{ id: 'timeouts', tone: 'warn', text }]
}

function heldBack({ nodes }: State): Notice[] {
  const rows = nodes.items.filter(node => node.heldBack).map(({ id }) => id)
  const text = `Under pressure and held back to one start at a time: ${names(rows)}`
  return rows.length === 0 ? [] : [{ id: 'held-back', tone: 'warn', text, href: '#/nodes/trouble' }]
}

function setAside({ waiting }: State): Notice[] {
  const rows = waiting.items.filter(({ cause }) => cause === 'set-aside')
  const text = `Set aside after a fault and tried again later: ${names(rows.map(({ pod }) => pod))}`
  return rows.length === 0 ? [] : [{ id: 'set-aside', tone: 'warn', text, href: '#/line/other' }]
}

function names(all: readonly string[]): string {
  const unique = [...new Set(all)]
  const more = unique.length - MOST_NAMES
  return `${unique.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${number(more)} more` : ''}`
}
