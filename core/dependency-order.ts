/**
 * `order`: every node after all it depends on; among those that could be next, the one that comes first in `nodes`.
 * `cycle`: one of those there are, from a node back to itself (`a → b → a` is `[a, b, a]`), each depending on the next.
 */
export type Ordering = { kind: 'order'; order: string[] } | { kind: 'cycle'; path: string[] }

/** Sorts `nodes` (each named once) by their dependencies; what is depended on and not among `nodes` is left out. */
export function dependencyOrder(
  nodes: readonly string[],
  dependenciesOf: (node: string) => readonly string[],
): Ordering {
  const places = new Map(nodes.map((node, place) => [node, place]))
  const needs = nodes.map(node => new Set(dependenciesOf(node).flatMap(other => places.get(other) ?? [])))
  const left = needs.map(others => others.size)
  const dependents: number[][] = nodes.map(() => [])
  for (const [place, others] of needs.entries()) for (const other of others) dependents[other]?.push(place)
  const free = left.flatMap((count, place) => (count === 0 ? [place] : [])).reverse()
  const order: number[] = []
  for (let next = free.pop(); next !== undefined; next = free.pop()) {
    order.push(next)
    for (const place of dependents[next] ?? []) {
      left[place] = (left[place] ?? 0) - 1
      if (left[place] === 0) insertDescending(free, place)
    }
  }
  const nameOf = (place: number) => nodes[place] ?? ''
  if (order.length === nodes.length) return { kind: 'order', order: order.map(nameOf) }
  const isLeft = (place: number) => (left[place] ?? 0) > 0
  return { kind: 'cycle', path: cycleIn(needs, isLeft).map(nameOf) }
}

/** Keeps the smallest last, where it is taken from. */
function insertDescending(free: number[], place: number): void {
  let [low, high] = [0, free.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((free[middle] ?? 0) > place) low = middle + 1
    else high = middle
  }
  free.splice(low, 0, place)
}

/** All that is left depends on something that is left, so following first dependencies comes round. */
function cycleIn(needs: readonly ReadonlySet<number>[], isLeft: (place: number) => boolean): number[] {
  const path: number[] = []
  const seenAt = new Map<number, number>()
  let at = needs.findIndex((_, place) => isLeft(place))
  while (!seenAt.has(at)) {
    seenAt.set(at, path.length)
    path.push(at)
    at = [...(needs[at] ?? [])].find(isLeft) ?? at
  }
  return [...path.slice(seenAt.get(at)), at]
}
