/** Something that lasted from `fromMs` up to, not including, `toMs`. */
export interface Interval {
  name: string
  fromMs: number
  toMs: number
}

export interface Peak {
  count: number
  /** When it was first reached; 0 when nothing ever was. */
  atMs: number
  /** Who was there at that moment, sorted. */
  names: string[]
}

/**
 * How many of the intervals were open at once at most. What ends in the millisecond another begins does not overlap it.
 */
export function peakOf(intervals: Interval[]): Peak {
  const edges = intervals
    .filter(i => i.toMs > i.fromMs)
    .flatMap(i => [
      { atMs: i.fromMs, step: 1, name: i.name },
      { atMs: i.toMs, step: -1, name: i.name },
    ])
    .sort((a, b) => a.atMs - b.atMs || a.step - b.step || (a.name < b.name ? -1 : 1))
  const open: string[] = []
  let peak: Peak = { count: 0, atMs: 0, names: [] }
  for (const edge of edges) {
    if (edge.step > 0) open.push(edge.name)
    else open.splice(open.indexOf(edge.name), 1)
    if (open.length > peak.count) peak = { count: open.length, atMs: edge.atMs, names: open.toSorted() }
  }
  return peak
}

/** The peak within each group, by the group's key. */
export function peaksBy<T extends Interval>(intervals: T[], key: (interval: T) => string): Record<string, Peak> {
  const groups = Map.groupBy(intervals, key)
  return Object.fromEntries([...groups].map(([name, members]) => [name, peakOf(members)]))
}
