/** A small seeded generator (mulberry32): the same seed makes the same graph. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface Graph {
  /** In the order in which the pod lists them. */
  containers: string[]
  /** [who waits, for whom]. */
  edges: [string, string][]
  /** For `startgate.dev/depends-on`. */
  yaml: string
}

/**
 * A random graph without cycles of `size` containers and at least one edge, listed in an order that says nothing of it.
 */
export function randomGraph(size: number, random: () => number): Graph {
  const ranked = Array.from({ length: size }, (_, i) => `c${i}`)
  const edges: [string, string][] = [['c1', 'c0']]
  for (let later = 2; later < size; later++)
    for (let earlier = 0; earlier < later; earlier++) if (random() < 0.35) edges.push([`c${later}`, `c${earlier}`])
  const keyed = ranked.map(name => ({ name, key: random() })).sort((a, b) => a.key - b.key)
  const waiting = [...new Set(edges.map(([later]) => later))]
  const yaml = waiting
    .map(
      later =>
        `${later}: [${edges
          .filter(([name]) => name === later)
          .map(([, earlier]) => earlier)
          .join(', ')}]\n`,
    )
    .join('')
  return { containers: keyed.map(({ name }) => name), edges, yaml }
}
