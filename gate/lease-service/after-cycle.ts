/** Who waits for whom, by the names that `after` uses. */
export type Edges = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Circles of workloads that wait for each other, each as `a, b, a`, beginning with its least name. Of circles that share a
 * workload only one is told: when it is broken, the next one shows. The result does not depend on the order of `edges`.
 */
export function cyclesIn(edges: Edges): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (name: string): void => {
    const at = path.indexOf(name)
    if (at >= 0) {
      const circle = path.slice(at)
      if (!cycles.some(cycle => cycle.some(n => circle.includes(n)))) cycles.push(fromLeast(circle))
      return
    }
    if (done.has(name)) return
    path.push(name)
    for (const next of [...(edges.get(name) ?? [])].sort()) visit(next)
    path.pop()
    done.add(name)
  }
  for (const name of [...edges.keys()].sort()) visit(name)
  return cycles
}

function fromLeast(circle: string[]): string[] {
  const least = circle.indexOf([...circle].sort()[0] ?? '')
  const turned = [...circle.slice(least), ...circle.slice(0, least)]
  return [...turned, ...turned.slice(0, 1)]
}
