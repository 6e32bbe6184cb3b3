import { PRESSURE_RESOURCES, type PressureResource } from '../../../core/pressure.ts'
import type { State } from '../../../core/state-api.ts'
import type { NodeSlots, NodeState } from '../../../core/state-rows.ts'
import { count } from './words.ts'

export const NODE_FILTERS = ['all', 'busy', 'trouble'] as const
export type NodeFilter = (typeof NODE_FILTERS)[number]

export interface NodeTile {
  name: string
  cores: string
  /** What its automatic start limit is now, and why. */
  auto?: string
  start: SlotBar
  pull: SlotBar
  /** In whole percent; empty where nothing is known. */
  pressure: { resource: PressureResource; percent: number }[]
  /** What is wrong with it, in a word; absent where nothing is. */
  trouble?: { tone: 'bad' | 'warn'; word: string; detail: string }
}

export interface SlotBar {
  held: number
  debt: number
  waiting: number
  limit?: number
  /** A mark a slot, where they can be told apart; a bar otherwise. */
  pips?: Pip[]
  /** Part of the limit that is used, from 0 to 1. */
  used: number
  words: string
}

export type Pip = 'held' | 'debt' | 'free'

const MOST_PIPS = 16

export interface Nodes {
  nodes: NodeState[]
  counts: Record<NodeFilter, number>
  /** How many the leader knows, of which `items` may be a part. */
  total: number
  told: number
}

/** In the order of their names (numbers in them by their value), so that none moves while somebody looks. */
export function nodesOf({ nodes }: State, filter: NodeFilter, part: string): Nodes {
  const { items, total } = nodes
  const word = part.trim().toLowerCase()
  const named = word === '' ? items : items.filter(({ id }) => id.includes(word))
  const counts = { all: named.length, busy: 0, trouble: 0 }
  for (const node of named) {
    if (isBusy(node)) counts.busy += 1
    if (isTroubled(node)) counts.trouble += 1
  }
  const shown = filter === 'all' ? named : named.filter(filter === 'busy' ? isBusy : isTroubled)
  return { nodes: [...shown].sort(byName), counts, total, told: items.length }
}

/** `worker-2` comes before `worker-10`. */
function byName(a: NodeState, b: NodeState): number {
  return NATURAL.compare(a.id, b.id) || (a.id < b.id ? -1 : 1)
}

const NATURAL = new Intl.Collator('en', { numeric: true })

function isBusy({ start, pull }: NodeState): boolean {
  return start.held + start.debt + start.waiting + pull.held + pull.debt + pull.waiting > 0
}

function isTroubled({ lost, heldBack }: NodeState): boolean {
  return lost || heldBack === true
}

/** What is written on a tile. */
export function tileOf(node: NodeState): NodeTile {
  const trouble = troubleOf(node)
  return {
    name: node.id,
    cores: `${count(Math.round(node.cores * 10) / 10, 'core')}${node.auto ? ', auto' : ''}`,
    ...(node.auto && { auto: node.auto }),
    start: barOf(node.start),
    pull: barOf(node.pull),
    pressure: PRESSURE_RESOURCES.flatMap(resource => {
      const percent = node.pressure?.[resource]
      return percent === undefined ? [] : [{ resource, percent: Math.round(percent) }]
    }),
    ...(trouble && { trouble }),
  }
}

function troubleOf({ lost, heldBack }: NodeState): NodeTile['trouble'] {
  if (lost) return { tone: 'bad', word: 'lost', detail: 'its kubelet has not been heard of' }
  if (heldBack) return { tone: 'warn', word: 'held back', detail: 'one start at a time, for its pressure' }
  return undefined
}

function barOf({ held, debt, limit, waiting }: NodeSlots): SlotBar {
  const used = held + debt
  const ofLimit = limit === undefined ? `${used}` : `${used} of ${limit}`
  const room = Math.max(limit ?? 0, used)
  return {
    ...{ held, debt, waiting, ...(limit !== undefined && { limit }) },
    ...(limit !== undefined && room <= MOST_PIPS && { pips: pipsOf(held, debt, room) }),
    used: limit ? Math.min(1, used / limit) : used > 0 ? 1 : 0,
    words: `${ofLimit}${waiting > 0 ? `, ${waiting} waiting` : ''}`,
  }
}

function pipsOf(held: number, debt: number, room: number): Pip[] {
  return Array.from({ length: room }, (_, i) => (i < held ? 'held' : i < held + debt ? 'debt' : 'free'))
}
