/** Rows of numbers of which the latest are kept; null is a gap. */
export interface Ring {
  push(row: readonly (number | null)[]): void
  /** A list for each column, oldest first. */
  columns(): (number | null)[][]
  latest(): readonly (number | null)[] | undefined
  readonly size: number
}

/** Keeps `capacity` rows of `width` numbers at most. */
export function createRing(width: number, capacity: number): Ring {
  const cells: (number | null)[] = []
  let next = 0
  let size = 0
  return {
    get size() {
      return size
    },
    push(row) {
      for (let column = 0; column < width; column++) cells[next * width + column] = row[column] ?? null
      next = (next + 1) % capacity
      size = Math.min(size + 1, capacity)
    },
    latest() {
      if (size === 0) return undefined
      const at = (next + capacity - 1) % capacity
      return cells.slice(at * width, (at + 1) * width)
    },
    columns() {
      const oldest = size < capacity ? 0 : next
      return Array.from({ length: width }, (_, column) =>
        Array.from({ length: size }, (_, i) => cells[((oldest + i) % capacity) * width + column] ?? null),
      )
    },
  }
}
