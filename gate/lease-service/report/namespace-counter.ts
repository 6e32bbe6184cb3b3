import { Counter, type CounterConfiguration } from 'prom-client'

/** Stands for what is counted together, beyond the bounds. No name of Kubernetes has parentheses. */
const OTHERS = '(others)'

export interface NamespaceBounds {
  /** Whether there is such a namespace now. */
  exists: (namespace: string) => boolean
  maxNamespaces?: number
  /** Of one namespace: gates are named for containers, so whoever makes pods makes names. */
  maxSeries?: number
}

/** Label values by their names. */
type Labels<L extends string> = Record<'namespace' | L, string>

/** A counter by namespace that forgets namespaces when they are gone, at the next scrape, and whose size is bounded. */
export class NamespaceCounter<L extends string = never> {
  readonly #counter: Counter<'namespace' | L>
  readonly #bounds: Required<NamespaceBounds>
  /** The series there are, by namespace and then by their other labels. */
  readonly #series = new Map<string, Map<string, Labels<L>>>()

  constructor(configuration: CounterConfiguration<'namespace' | L>, bounds: NamespaceBounds) {
    this.#bounds = { maxNamespaces: 20_000, maxSeries: 100, ...bounds }
    this.#counter = new Counter({ ...configuration, collect: () => this.#prune() })
  }

  inc(labels: Labels<L>): void {
    const isNew = !this.#series.has(labels.namespace)
    const namespace = isNew && this.#series.size >= this.#bounds.maxNamespaces ? OTHERS : labels.namespace
    const series = this.#series.get(namespace) ?? new Map<string, Labels<L>>()
    this.#series.set(namespace, series)
    const within = this.#bounded({ ...labels, namespace }, series)
    series.set(keyOf(within), within)
    this.#counter.inc(within)
  }

  #bounded(labels: Labels<L>, series: ReadonlyMap<string, unknown>): Labels<L> {
    if (series.has(keyOf(labels)) || series.size < this.#bounds.maxSeries) return labels
    const others = Object.keys(labels).map(name => [name, name === 'namespace' ? labels.namespace : OTHERS])
    return Object.fromEntries(others) as Labels<L>
  }

  #prune(): void {
    for (const [namespace, series] of this.#series) {
      if (namespace === OTHERS || this.#bounds.exists(namespace)) continue
      this.#series.delete(namespace)
      for (const labels of series.values()) this.#counter.remove(labels)
    }
  }
}

function keyOf(labels: object): string {
  return JSON.stringify(Object.values(labels))
}
