import type { State } from '../../core/state-api.ts'
import type { NodeState, Rows, ScopeState, Totals, WaitingGate } from '../../core/state-rows.ts'
import { type Paint, printable } from '../output/paint.ts'
import { span } from '../output/span.ts'
import { table } from '../output/table.ts'

export interface StatusOptions {
  paint: Paint
  /** Rows of each table at most. */
  rows: number
}

/** What is held and who waits, for people. */
export function statusText(state: State, options: StatusOptions): string {
  const parts = [headline(state, options), scopesText(state.scopes, options), waitingText(state, options)]
  return `${parts.filter(part => part !== '').join('\n')}`
}

/** The same with nodes, what was granted of late and pods with an order: for `top`. */
export function topText(state: State, options: StatusOptions): string {
  const parts = [
    headline(state, options),
    nodesText(state.nodes, options),
    scopesText(state.scopes, options),
    waitingText(state, options),
    recentText(state, options),
  ]
  return `${parts.filter(part => part !== '').join('\n')}`
}

function headline({ service, totals, atMs, namespace }: State, { paint }: StatusOptions): string {
  const { version, leader, term, sinceMs } = service
  const where =
    namespace === undefined ? '' : paint('dim', `Rows of namespace ${printable(namespace)}; totals of the cluster.\n`)
  return [
    `startgate ${printable(version)}, ${printable(leader.pod)} leads for ${span(atMs - sinceMs)} (term ${term})`,
    `start: ${totalText(totals.start, atMs, paint)}`,
    `pull:  ${totalText(totals.pull, atMs, paint)}`,
    where,
  ].join('\n')
}

function totalText({ gates, slots, sinceMs }: Totals, atMs: number, paint: Paint): string {
  if (gates === 0) return paint('green', 'nobody waits')
  const longest = sinceMs === undefined ? '' : `, the longest for ${span(atMs - sinceMs)}`
  return `${gates} ${gates === 1 ? 'gate waits' : 'gates wait'} for ${slots} ${slots === 1 ? 'slot' : 'slots'}${longest}`
}

function scopesText({ items, total }: Rows<ScopeState>, { rows }: StatusOptions): string {
  if (items.length === 0) return 'No limit is used or waited for.\n'
  const shown = [...items].sort(fullestFirst).slice(0, rows)
  const cells = shown.map(scope => [
    scope.resource,
    // An image's own is a digest of its name.
    printable(scope.kind === 'image' ? `image/${scope.name}` : scope.scope),
    `${scope.held}${scope.debt > 0 ? `+${scope.debt}` : ''}`,
    limitText(scope),
    `${scope.gates}`,
    printable(scope.source ?? ''),
  ])
  return table(['SLOTS', 'OF', 'HELD', 'LIMIT', 'WAITING', 'WRITTEN IN'], cells) + more(total - shown.length, 'limits')
}

/** Who is waited for most first; the order is total. */
function fullestFirst(a: ScopeState, b: ScopeState): number {
  return b.gates - a.gates || b.held - a.held || (a.id < b.id ? -1 : 1)
}

export function limitText({ limit, windowMs, frozen }: ScopeState): string {
  if (frozen) return 'frozen'
  if (limit === undefined) return '-'
  return windowMs === undefined ? `${limit}` : `${limit} in ${span(windowMs)}`
}

function waitingText({ waiting, atMs }: State, { rows }: StatusOptions): string {
  const shown = waiting.items.slice(0, rows)
  if (shown.length === 0) return ''
  const cells = shown.map(gate => [
    `${gate.place}/${gate.of}`,
    printable(`${gate.namespace}/${gate.pod}`),
    printable(gate.gate),
    `${gate.slots} ${gate.resource}`,
    span(atMs - gate.sinceMs),
    estimateText(gate),
    printable(gate.reason),
  ])
  const heading = ['PLACE', 'POD', 'GATE', 'NEEDS', 'WAITS', 'ESTIMATE', 'FOR']
  return table(heading, cells) + more(waiting.total - shown.length, 'gates')
}

export function estimateText({ estimateMs }: Pick<WaitingGate, 'estimateMs'>): string {
  return estimateMs === undefined ? '-' : `~${span(estimateMs)}`
}

function nodesText({ items, total }: Rows<NodeState>, { rows }: StatusOptions): string {
  if (items.length === 0) return ''
  const slots = ({ held, debt, limit }: NodeState['start']): string =>
    `${held}${debt > 0 ? `+${debt}` : ''}/${limit ?? '-'}`
  const busiest = (a: NodeState, b: NodeState): number =>
    b.start.waiting + b.pull.waiting - a.start.waiting - a.pull.waiting ||
    b.start.held + b.pull.held - a.start.held - a.pull.held ||
    (a.id < b.id ? -1 : 1)
  const shown = [...items].sort(busiest).slice(0, rows)
  const cells = shown.map(node => [
    printable(node.id),
    slots(node.start),
    `${node.start.waiting}`,
    slots(node.pull),
    `${node.pull.waiting}`,
    `${node.cores}`,
    stateText(node),
  ])
  const heading = ['NODE', 'START', 'WAIT', 'PULL', 'WAIT', 'CORES', 'STATE']
  return table(heading, cells) + more(total - shown.length, 'nodes')
}

function stateText(node: NodeState): string {
  const parts = [
    node.lost && 'lost',
    node.heldBack && 'held back',
    pressureText(node),
    node.auto && `auto: ${node.auto}`,
  ]
  return printable(parts.filter(Boolean).join(', '))
}

function pressureText({ pressure = {} }: NodeState): string {
  const told = Object.entries(pressure).filter(([, percent]) => typeof percent === 'number')
  return told.map(([resource, percent]) => `${resource} ${Math.round(Number(percent))} %`).join(', ')
}

function recentText({ recent, atMs }: State, { rows, paint }: StatusOptions): string {
  const most = Math.min(5, rows)
  const entries = [
    ...recent.grants.items.slice(-most).map(r => ({ r, text: `granted after ${span(r.waitedMs)}` })),
    ...recent.timeouts.items
      .slice(-most)
      .map(r => ({ r, text: paint('yellow', `${printable(r.container)} timed out`) })),
    ...recent.failOpens.items.slice(-most).map(r => ({ r, text: paint('red', `failed open: ${printable(r.reason)}`) })),
  ]
  if (entries.length === 0) return ''
  const lines = entries
    .sort((a, b) => b.r.atMs - a.r.atMs || Number(b.r.id) - Number(a.r.id))
    .slice(0, most)
    .map(({ r, text }) => `${span(atMs - r.atMs)} ago   ${printable(`${r.namespace}/${r.pod} ${r.gate}`)}   ${text}\n`)
  return `LATELY\n${lines.join('')}`
}

function more(count: number, what: string): string {
  return count > 0 ? `and ${count} more ${what}\n` : ''
}
