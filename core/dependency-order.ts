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
  const known = new Set(nodes)
  const left = new Map(nodes.map(node => [node, new Set(dependenciesOf(node).filter(other => known.has(other)))]))
  const order: string[] = []
  while (left.size > 0) {
    const next = [...left].find(([, others]) => ![...others].some(other => left.has(other)))?.[0]
    if (next === undefined) return { kind: 'cycle', path: cycleIn(left) }
    left.delete(next)
    order.push(next)
  }
  return { kind: 'order', order }
}

/** Everything in `left` depends on something in `left`, so following first dependencies comes round. */
function cycleIn(left: Map<string, Set<string>>): string[] {
  const path: string[] = []
  let [at] = left.keys()
  while (at !== undefined && !path.includes(at)) {
    path.push(at)
    at = [...(left.get(at) ?? [])].find(other => left.has(other))
  }
  return at === undefined ? path : [...path.slice(path.indexOf(at)), at]
}
