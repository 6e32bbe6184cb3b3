/** A watch that some namespace's pods cost us. */
export interface WatchOf {
  key: string
  /** The namespace. */
  by: string
}

/**
 * Whether there may be one more watch for namespace `by`, and which has to go for it. Where all `most` are taken, the
 * newest of the namespace that has most goes, unless `by` would then have as many as that: each namespace that wants
 * some gets its share, and none can take one back that it lost, so that watches do not come and go.
 */
export function roomFor(by: string, watches: readonly WatchOf[], most: number): { isRoom: boolean; goes?: string } {
  if (watches.length < most) return { isRoom: true }
  const counts = countsOf(watches)
  const [greedy = by, count = 0] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0] as [string, number])
  if (count <= (counts.get(by) ?? 0) + 1) return { isRoom: false }
  const goes = watches.findLast(watch => watch.by === greedy)?.key
  return { isRoom: true, ...(goes !== undefined && { goes }) }
}

/** Whom a watch is to count for that both want: the one that has fewer. */
export function countedFor(before: string, by: string, watches: readonly WatchOf[]): string {
  if (before === by) return before
  const counts = countsOf(watches)
  return (counts.get(by) ?? 0) + 1 < (counts.get(before) ?? 0) ? by : before
}

function countsOf(watches: readonly WatchOf[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { by } of watches) counts.set(by, (counts.get(by) ?? 0) + 1)
  return counts
}
