/** A line of those who wait, in their own order. */
interface Line<T> {
  entries: T[]
  next: number
  /** Of the entry whose turn is next. */
  share: number
  /** How many visits had changed shares when that was looked at. */
  seenChanges: number
  entry: T
}

export interface Turns<T> {
  /** Part of a limit that the entry's line has, for its weight: least goes first. Visits may only make it larger. */
  shareOf: (entry: T) => number
  /** Order of entries whose lines have as much. Total. */
  compare: (a: T, b: T) => number
  /** Whether shares of other lines may have changed. */
  visit: (entry: T) => boolean
  /** Whether no further visit matters: those that are left are not visited. */
  isOver?: () => boolean
}

/**
 * Visits every entry once, always the next one of the line that has least, until it is over. n log m for n entries in m
 * lines, and log m for each line whose share a visit of another one has changed.
 */
export function takeTurns<T>(lines: Iterable<T[]>, { shareOf, compare, visit, isOver }: Turns<T>): void {
  const isBefore = (a: Line<T>, b: Line<T>): boolean =>
    a.share === b.share ? compare(a.entry, b.entry) < 0 : a.share < b.share
  const heap: Line<T>[] = []
  let changes = 0
  for (const entries of lines) {
    const [entry] = entries
    if (entry !== undefined) heap.push({ entries, next: 0, share: shareOf(entry), seenChanges: 0, entry })
  }
  // A binary heap by what each line had when last looked at; it has no less now, so the top is looked at again before
  // its turn.
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) siftDown(heap, isBefore, at)
  for (let top = heap[0]; top && !isOver?.(); top = heap[0]) {
    const share = top.seenChanges === changes ? top.share : shareOf(top.entry)
    top.seenChanges = changes
    if (share > top.share) {
      top.share = share
      siftDown(heap, isBefore)
      continue
    }
    if (visit(top.entry)) changes += 1
    top.next += 1
    const entry = top.entries[top.next]
    if (entry === undefined) removeTop(heap)
    else {
      top.entry = entry
      top.share = shareOf(entry)
      top.seenChanges = changes
    }
    siftDown(heap, isBefore)
  }
}

/** Puts the last one in its place, which `siftDown` has to make right. */
function removeTop<T>(heap: Line<T>[]): void {
  const last = heap.pop()
  if (last && heap.length > 0) heap[0] = last
}

function siftDown<T>(heap: Line<T>[], isBefore: (a: Line<T>, b: Line<T>) => boolean, from = 0): void {
  const line = heap[from]
  if (!line) return
  let at = from
  for (;;) {
    const left = heap[2 * at + 1]
    if (!left) break
    const right = heap[2 * at + 2]
    const [child, childAt] = right && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1]
    if (!isBefore(child, line)) break
    heap[at] = child
    at = childAt
  }
  heap[at] = line
}
