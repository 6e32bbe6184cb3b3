/** Of a watch, what decides whether it has to go for others. */
export interface Place {
  /** Whose it is, as the API server calls the user. */
  reader: string
  sinceMs: number
}

/**
 * Which watch gives its place to one more of this reader where all are taken: the oldest of who has the most, if that
 * is more than this reader would have. Undefined where there is none.
 */
export function placeFor<T extends Place>(reader: string, open: readonly T[]): T | undefined {
  const byReader = Map.groupBy(open, each => each.reader)
  const most = [...byReader.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
  if (most.length <= (byReader.get(reader)?.length ?? 0) + 1) return undefined
  return most.toSorted((a, b) => a.sinceMs - b.sinceMs)[0]
}

/** What a watch has not read of what it was sent. */
export interface Unread {
  reader: string
  bytes: number
}

/**
 * Which watches have to go so that at most `mostBytes` stay unread: of the reader with the most bytes the one with the
 * most, until it is so. Quadratic in watches, of which there are few.
 */
export function tooMuchUnread<T extends Unread>(watches: readonly T[], mostBytes: number): T[] {
  const left = new Set(watches)
  const gone: T[] = []
  const sumOf = (some: readonly T[]): number => some.reduce((sum, { bytes }) => sum + bytes, 0)
  while (sumOf([...left]) > mostBytes) {
    const byReader = [...Map.groupBy(left, each => each.reader).values()]
    const [greediest = []] = byReader.toSorted((a, b) => sumOf(b) - sumOf(a))
    const [next] = greediest.toSorted((a, b) => b.bytes - a.bytes)
    if (!next) break
    left.delete(next)
    gone.push(next)
  }
  return gone
}
