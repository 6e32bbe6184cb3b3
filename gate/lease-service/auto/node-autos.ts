import type { NodeFigures } from '../../../core/node-figures.ts'
import type { AutoLimit, AutoLimits } from './auto-limit.ts'
import { usualLimit } from './bounds.ts'
import { type AutoBounds, type AutoState, advanceAuto, freshForMs, newAuto, REST_MS } from './controller.ts'
import { type Harms, heedHarm, NO_HARM } from './harm.ts'
import { type Learned, type LearnedLimits, NOTHING_LEARNED } from './learned.ts'
import { type AutoSample, type EndedStarts, NOTHING_ENDED, plusEnded } from './sample.ts'

/** A node as the API shows it. */
export interface AutoNode {
  /** What nodes like it are told by: the instance type, or the number of cores. */
  kind: string
  cores: number
}

/** What is asked of a node at each of its figures. */
export interface AutoFacts extends Pick<AutoSample, 'held' | 'running' | 'isShort'> {
  bounds: AutoBounds
}

interface Entry extends AutoNode {
  state: AutoState | undefined
  /** Not taken in yet. */
  figures: NodeFigures | undefined
  /** Gates that have come since the last figures. */
  asked: number
  ended: EndedStarts
  harms: Harms
  shown: AutoLimit | undefined
}

/** Older figures say nothing of now. */
const FRESH_MS = 5_000

/** The automatic limits of all nodes, of those that exist only. Times are monotonic ms. */
export class NodeAutos implements AutoLimits {
  readonly #nodes = new Map<string, Entry>()
  /** By a term before this one. */
  readonly #before: LearnedLimits
  #version = 0
  #nowMs: number

  constructor(before: LearnedLimits = NOTHING_LEARNED, nowMs = 0) {
    this.#before = before
    this.#nowMs = nowMs
  }

  get version(): number {
    return this.#version
  }

  setNode(name: string, { kind, cores }: AutoNode): void {
    const before = this.#nodes.get(name)
    if (before?.kind === kind && before.cores === cores) return
    const learned = this.#learnedOf(name, { kind, cores })
    const shown = before?.shown ?? (learned && { limit: learned.limit, reason: 'learned before' })
    const none = { state: undefined, figures: undefined, asked: 0, ended: NOTHING_ENDED, harms: NO_HARM }
    this.#nodes.set(name, { ...none, ...before, kind, cores, shown })
    this.#version += 1
  }

  removeNode(name: string): void {
    if (this.#nodes.delete(name)) this.#version += 1
  }

  at(nodeName: string): AutoLimit | undefined {
    return this.#nodes.get(nodeName)?.shown
  }

  /** Figures of a node that nobody shows are dropped; of two before an `advance` the later counts. */
  take(nodeName: string, figures: NodeFigures): void {
    const node = this.#nodes.get(nodeName)
    if (node) node.figures = figures
  }

  /** A gate has come there. */
  noteAsked(nodeName: string): void {
    const node = this.#nodes.get(nodeName)
    if (node) node.asked += 1
  }

  /** How starts of a namespace ended there. */
  noteEnded(nodeName: string, ended: Partial<EndedStarts>, namespace: string): void {
    const node = this.#nodes.get(nodeName)
    if (!node) return
    const { counts, harms } = heedHarm(node.harms, ended, { namespace, nowMs: this.#nowMs })
    node.harms = harms
    node.ended = plusEnded(node.ended, counts)
  }

  /** When `advance` was called last. */
  get advancedAtMs(): number {
    return this.#nowMs
  }

  /**
   * Takes in all figures since the last time, a second ago or less. `factsOf`: undefined where no `auto` is written.
   * Tells whether some limit is another.
   */
  advance(nowMs: number, factsOf: (nodeName: string) => AutoFacts | undefined): boolean {
    this.#nowMs = nowMs
    let isOther = false
    for (const [name, node] of this.#nodes) {
      const facts = node.figures && factsOf(name)
      if (node.figures && facts) this.#advance(name, node, { ...facts, figures: node.figures })
      node.figures = undefined
      if (!node.state) continue
      const shown = shownOf(node, node.state, nowMs)
      if (node.shown && !isNews(node.shown, shown)) continue
      isOther ||= node.shown?.limit !== shown.limit
      node.shown = shown
      this.#version += 1
    }
    return isOther
  }

  #advance(name: string, node: Entry, { figures, bounds, ...facts }: AutoFacts & { figures: NodeFigures }): void {
    const state = node.state ?? this.#begin(name, node, bounds)
    // What ended while nobody waited is not this herd's.
    const isNew = !node.state || this.#nowMs - state.seenAtMs > REST_MS
    const ended = isNew ? NOTHING_ENDED : node.ended
    const { asked } = node
    node.state = advanceAuto(state, { ...facts, figures, nowMs: this.#nowMs, asked, ended }, bounds)
    node.asked = 0
    node.ended = NOTHING_ENDED
  }

  /** A limit that was found in this herd, by a leader before this one, goes on. */
  #begin(name: string, node: Entry, bounds: AutoBounds): AutoState {
    const learned = this.#learnedOf(name, node)
    return newAuto(
      bounds,
      this.#nowMs,
      learned && (learned.isOfNow ? learned.limit : Math.min(learned.limit, bounds.first)),
    )
  }

  #learnedOf(name: string, { kind, cores }: AutoNode): { limit: number; isOfNow: boolean } | undefined {
    const own = this.#before.nodes.get(name)
    if (own && this.#nowMs - own.atMs <= REST_MS) return { limit: own.limit, isOfNow: true }
    const { limit } = own ?? this.#before.kinds.get(kind) ?? {}
    return limit === undefined ? undefined : { limit: Math.min(limit, usualLimit(cores)), isOfNow: false }
  }

  /** What is known now, of nodes that exist, and of their kinds: of each kind what was found last. */
  learned(): LearnedLimits {
    const nodes = new Map<string, Learned>()
    const kinds = new Map<string, Learned>()
    for (const [name, { state, kind }] of this.#nodes) {
      const own = state ? { limit: state.limit, atMs: state.seenAtMs } : this.#before.nodes.get(name)
      if (own) nodes.set(name, own)
      const last = later(own, kinds.get(kind) ?? this.#before.kinds.get(kind))
      if (last) kinds.set(kind, last)
    }
    return { nodes, kinds }
  }

  /** Of nodes that figures have come of. */
  *found(): Iterable<[nodeName: string, limit: AutoLimit]> {
    for (const [name, { state, shown }] of this.#nodes) if (state && shown) yield [name, shown]
  }
}

function later(a: Learned | undefined, b: Learned | undefined): Learned | undefined {
  return a && b ? (a.atMs >= b.atMs ? a : b) : (a ?? b)
}

/** Each change of a reason is told to all gates of the node: a few percent more or less are none. */
function isNews(before: AutoLimit, now: AutoLimit): boolean {
  const [percentBefore, percentNow] = [before, now].map(({ reason }) => Number(/\d+/.exec(reason)?.[0] ?? 0))
  const words = ({ limit, reason }: AutoLimit) => `${limit} ${reason.replace(/\d+/g, '')}`
  return words(before) !== words(now) || Math.abs((percentBefore ?? 0) - (percentNow ?? 0)) >= 10
}

function shownOf({ cores }: AutoNode, state: AutoState, nowMs: number): AutoLimit {
  const { limit, reason, seenAtMs } = state
  const oldMs = nowMs - seenAtMs
  if (oldMs <= freshForMs(state, FRESH_MS)) return { limit, reason }
  if (oldMs <= REST_MS) return { limit, reason: 'no figures now' }
  return { limit: Math.min(limit, usualLimit(cores)), reason: 'learned before' }
}
