/** A start, or a gate that waits, on a node; up to, not including, `toMs`. */
export interface OnNode {
  node: string
  fromMs: number
  toMs: number
}

/** A node's start limit from a moment on. */
export interface LimitStep {
  node: string
  atMs: number
  limit: number
}

export interface SlotUse {
  /** Slot-ms in which a slot that could be used was used. */
  busyMs: number
  /** Slot-ms that could be used. */
  usableMs: number
}

/**
 * How much of the slots was used while a line waited. It counts the time in which at least one gate of the node runs.
 * Usable is the limit, or all who start or wait where those are fewer; so a slot is idle from the moment a start ends
 * until the next container runs, whoever causes that, but not when nobody is left who could take it. Starts above the
 * limit count no further than it.
 */
export function slotUse(starts: readonly OnNode[], waits: readonly OnNode[], limits: readonly LimitStep[]): SlotUse {
  const total: SlotUse = { busyMs: 0, usableMs: 0 }
  for (const node of new Set(waits.map(wait => wait.node))) {
    const on = <T extends { node: string }>(list: readonly T[]) => list.filter(each => each.node === node)
    addNode(total, on(starts), on(waits), on(limits))
  }
  return total
}

function addNode(total: SlotUse, starts: OnNode[], waits: OnNode[], limits: LimitStep[]): void {
  const edges = [...starts, ...waits].flatMap(({ fromMs, toMs }) => [fromMs, toMs])
  const times = [...new Set([...edges, ...limits.map(step => step.atMs)])].sort((a, b) => a - b)
  for (const [i, atMs] of times.entries()) {
    const untilMs = times[i + 1]
    if (untilMs === undefined) break
    const waiting = openAt(waits, atMs)
    const limit = limits.findLast(step => step.atMs <= atMs)?.limit
    if (waiting === 0 || limit === undefined) continue
    const starting = openAt(starts, atMs)
    total.busyMs += Math.min(starting, limit) * (untilMs - atMs)
    total.usableMs += Math.min(limit, starting + waiting) * (untilMs - atMs)
  }
}

const openAt = (list: readonly OnNode[], atMs: number): number =>
  list.filter(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs).length
