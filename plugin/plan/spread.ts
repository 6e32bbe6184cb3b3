/** A node that pods may be on. */
export interface PlanNode {
  name: string
  cores: number
}

/**
 * Puts pods on nodes one by one, each on the one that has fewest for its cores then; of equal ones on the first. What a
 * scheduler looks at besides is not known. Returns a function that gives the next pod's node.
 */
export function spreadOver(nodes: readonly PlanNode[]): () => string {
  const loads = nodes.map(({ name, cores }) => ({ name, cores: Math.max(0.1, cores), pods: 0 }))
  return () => {
    let best = loads[0]
    for (const load of loads) if (best && (load.pods + 1) / load.cores < (best.pods + 1) / best.cores) best = load
    if (!best) return ''
    best.pods += 1
    return best.name
  }
}
