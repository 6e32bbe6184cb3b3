/** Who waits for whom, by the names that `after` uses. */
export type Edges = ReadonlyMap<string, ReadonlySet<string>>

/** A workload on the path that is walked. */
interface Visit {
  name: string
  /** Whom it waits for and who is still to be visited. */
  rest: Iterator<string>
  /** Place on the path, up to here, of the last workload whose circle was told; -1 for none. */
  lastTold: number
}

/**
 * Circles of workloads that wait for each other, each as `a, b, a`, beginning with its least name. Of circles that
 * share a workload only one is told: when it is broken, the next one shows. The result does not depend on the order of
 * `edges`.
 */
export function cyclesIn(edges: Edges): string[][] {
  const walk = new Walk(edges)
  for (const start of [...edges.keys()].sort()) walk.from(start)
  return walk.cycles
}

/** Depth first, without recursion, and linear but for sorting: whoever labels pods decides how long a chain is. */
class Walk {
  readonly cycles: string[][] = []
  readonly #edges: Edges
  readonly #told = new Set<string>()
  readonly #done = new Set<string>()
  readonly #path: Visit[] = []
  readonly #places = new Map<string, number>()

  constructor(edges: Edges) {
    this.#edges = edges
  }

  from(start: string): void {
    this.#meet(start)
    for (let visit = this.#path.at(-1); visit; visit = this.#path.at(-1)) {
      const { value: next, done: isOver } = visit.rest.next()
      if (isOver) this.#leave(visit)
      else this.#meet(next)
    }
  }

  #meet(name: string): void {
    const at = this.#places.get(name)
    const lastTold = this.#path.at(-1)?.lastTold ?? -1
    if (at === undefined && !this.#done.has(name)) this.#enter(name, lastTold)
    if (at !== undefined && lastTold < at) this.#tell(at)
  }

  #enter(name: string, lastTold: number): void {
    const at = this.#path.length
    const rest = [...(this.#edges.get(name) ?? [])].sort().values()
    this.#path.push({ name, rest, lastTold: this.#told.has(name) ? at : lastTold })
    this.#places.set(name, at)
  }

  #leave({ name }: Visit): void {
    this.#path.pop()
    this.#places.delete(name)
    this.#done.add(name)
  }

  /** The circle from place `at` on the path to its end. */
  #tell(at: number): void {
    const circle = this.#path.slice(at)
    for (const [i, visit] of circle.entries()) {
      visit.lastTold = at + i
      this.#told.add(visit.name)
    }
    this.cycles.push(fromLeast(circle.map(({ name }) => name)))
  }
}

function fromLeast(circle: string[]): string[] {
  const least = circle.indexOf(circle.reduce((a, b) => (b < a ? b : a)))
  const turned = [...circle.slice(least), ...circle.slice(0, least)]
  return [...turned, ...turned.slice(0, 1)]
}
