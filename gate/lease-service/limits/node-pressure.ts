import { type NodeLoad, PRESSURE_RESOURCES, type Pressure } from '../../../core/pressure.ts'
import { type Overload, Overloads } from './overloads.ts'

/** One who waits on a node and may be asked. */
export interface PressureReporter {
  key: string
  podUid: string
  nodeName: string
}

interface NodeEntry {
  pressure: Pressure
  busy?: Busy | undefined
  /** Who told it: a gate's pod, or the node's waiter. */
  podUid: string | typeof WAITER
  toldMs: number
  askedMs: number
}

/** Part of the node's CPU time that was at work: a mean of about BUSY_MEAN_MS. */
interface Busy {
  part: number
  atMs: number
}

const WAITER = Symbol('waiter')

/**
 * Tasks that wait for a CPU tell of a lack of CPUs only where these are busy. Else they are kept waiting by a limit of
 * their own: a container at its CPU limit counts like any other (kubernetes/enhancements#5062).
 */
const LEAST_BUSY = 0.7
/** As the kernel smooths its figure, so that both tell of the same time. */
const BUSY_MEAN_MS = 10_000
/** The kernel's figure is a mean of 10 s, so asking more often would tell little. */
const INTERVAL_MS = 5_000
/** Each figure is a connection: on more nodes than this times the interval's seconds, each node is asked less often. */
const FIGURES_PER_SECOND = 50
/** A figure that was not renewed for so many intervals says nothing any more: it must not hold a node back for ever. */
const INTERVALS_TO_LIVE = 3

/** What waiters and gates tell of the pressure on their nodes, and which gates to ask next. Times are monotonic ms. */
export class NodePressures {
  /** Kept up to date. */
  readonly overloads = new Overloads()
  readonly #max: Pressure
  /** Of nodes with a maximum of their own. */
  readonly #ownMax = new Map<string, Pressure>()
  readonly #nodes = new Map<string, NodeEntry>()
  #intervalMs = INTERVAL_MS

  /**
   * `max`: the most that is allowed on nodes that say nothing else; where there is none, nobody is asked and nothing is
   * kept.
   */
  constructor(max: Pressure = {}) {
    this.#max = max
  }

  get isOn(): boolean {
    return hasAny(this.#max) || this.#ownMax.size > 0
  }

  /** The node's own maximum, which replaces the usual one; undefined when it has none, or is gone. */
  setMax(nodeName: string, max: Pressure | undefined): void {
    if (max) this.#ownMax.set(nodeName, max)
    else this.#ownMax.delete(nodeName)
    if (!hasAny(this.#maxOf(nodeName))) this.#nodes.delete(nodeName)
    this.#judge(nodeName)
  }

  /**
   * A gate of the pod on this node has told. One who cannot read the kernel's figures (as in a sandboxed runtime) says
   * nothing, and where the node's waiter tells, a gate need not be heard.
   */
  take(nodeName: string, podUid: string, load: NodeLoad, nowMs: number): void {
    const { podUid: last, toldMs } = this.#nodes.get(nodeName) ?? NOTHING_TOLD
    if (last !== WAITER || nowMs - toldMs >= this.#intervalMs) this.#take(nodeName, podUid, load, nowMs)
  }

  /** The waiter of this node has told. */
  takeFigures(nodeName: string, load: NodeLoad, nowMs: number): void {
    this.#take(nodeName, WAITER, load, nowMs)
  }

  #take(nodeName: string, podUid: NodeEntry['podUid'], { pressure, busy }: NodeLoad, nowMs: number): void {
    if (!hasAny(this.#maxOf(nodeName)) || Object.keys(pressure).length === 0) return
    const { askedMs, busy: before } = this.#nodes.get(nodeName) ?? NOTHING_TOLD
    // A gate that has just begun has measured nothing: what was known stands for as long as any figure.
    const known = before && before.atMs > this.#bestBeforeMs(nowMs) ? before : undefined
    const mean = busy === undefined ? known : meanBusy(known, busy, nowMs)
    this.#nodes.set(nodeName, { pressure, busy: mean, podUid, toldMs: nowMs, askedMs })
    this.#judge(nodeName)
  }

  /** Forgets what is too old to say anything. */
  expire(nowMs: number): void {
    for (const [nodeName, { toldMs, askedMs }] of this.#nodes) {
      const bestBeforeMs = this.#bestBeforeMs(nowMs)
      if (toldMs > bestBeforeMs) continue
      this.overloads.set(nodeName, undefined)
      if (askedMs > bestBeforeMs) this.#nodes.set(nodeName, { ...NOTHING_TOLD, askedMs })
      else this.#nodes.delete(nodeName)
    }
  }

  /** Keys of those who should tell now: one for each node whose figure is due. `random` gives numbers in [0, 1). */
  ask(waiting: readonly PressureReporter[], nowMs: number, random: () => number): string[] {
    const judged = this.isOn ? waiting.filter(({ nodeName }) => hasAny(this.#maxOf(nodeName))) : []
    const byNode = Map.groupBy(judged, ({ nodeName }) => nodeName)
    this.#intervalMs = Math.max(INTERVAL_MS, (byNode.size * 1_000) / FIGURES_PER_SECOND)
    return [...byNode].flatMap(([nodeName, reporters]) => {
      const entry = this.#nodes.get(nodeName) ?? NOTHING_TOLD
      if (nowMs - Math.max(entry.toldMs, entry.askedMs) < this.#intervalMs) return []
      this.#nodes.set(nodeName, { ...entry, askedMs: nowMs })
      // Who answered is asked again, since his token is known. Who did not may be of an older version, or cut off.
      const hasAnswered = entry.toldMs >= entry.askedMs
      const last = hasAnswered ? reporters.find(({ podUid }) => podUid === entry.podUid) : undefined
      return (last ?? reporters[Math.floor(random() * reporters.length)])?.key ?? []
    })
  }

  /** What is known now, by node. */
  figures(): [nodeName: string, pressure: Pressure][] {
    return [...this.#nodes].map(([nodeName, { pressure }]) => [nodeName, pressure])
  }

  #bestBeforeMs(nowMs: number): number {
    return nowMs - INTERVALS_TO_LIVE * this.#intervalMs
  }

  #maxOf(nodeName: string): Pressure {
    return this.#ownMax.get(nodeName) ?? this.#max
  }

  #judge(nodeName: string): void {
    this.overloads.set(nodeName, overloadOf(this.#nodes.get(nodeName) ?? NOTHING_TOLD, this.#maxOf(nodeName)))
  }
}

function meanBusy(before: Busy | undefined, part: number, atMs: number): Busy {
  if (!before) return { part, atMs }
  const weight = 1 - Math.exp((before.atMs - atMs) / BUSY_MEAN_MS)
  return { part: before.part + weight * (part - before.part), atMs }
}

function overloadOf({ pressure, busy }: NodeEntry, max: Pressure): Overload | undefined {
  for (const resource of PRESSURE_RESOURCES) {
    if (resource === 'cpu' && busy && busy.part <= LEAST_BUSY) continue
    const [percent, maxPercent] = [pressure[resource], max[resource]]
    if (percent !== undefined && maxPercent !== undefined && percent > maxPercent)
      return { resource, percent, maxPercent }
  }
  return undefined
}

function hasAny(max: Pressure): boolean {
  return PRESSURE_RESOURCES.some(resource => max[resource] !== undefined)
}

const NOTHING_TOLD: NodeEntry = {
  pressure: {},
  podUid: '',
  toldMs: Number.NEGATIVE_INFINITY,
  askedMs: Number.NEGATIVE_INFINITY,
}
