import { foldNamespace, type NamespaceFold } from '../../core/namespace-settings.ts'
import type { Namespace, ObjectMeta } from '../../core/pod.ts'
import type { LimitRangeItem } from './limit-range.ts'
import type { NamespaceFacts } from './settings.ts'

/** An object whose presence in a namespace limits its pods. */
export type Constraint = 'LimitRange' | 'ResourceQuota'

/** Of it only what is read here. */
export interface ConstraintObject {
  metadata: ObjectMeta
  /** `limits` of a LimitRange, `hard` of a ResourceQuota. */
  spec?: { limits?: LimitRangeItem[]; hard?: Record<string, unknown> }
}

/**
 * Quotas of nothing else concern no container: they count objects, and volumes. Source: Kubernetes, "Resource Quotas".
 */
const OBJECT_COUNT =
  /^(count\/.*|pods|services(\..*)?|(.*\.storageclass\.storage\.k8s\.io\/)?(persistentvolumeclaims|requests\.storage)|configmaps|secrets|replicationcontrollers|resourcequotas)$/

/** What one object says: a LimitRange's items, the names of what a ResourceQuota counts. */
interface Constraining {
  items: LimitRangeItem[]
  counted: string[]
}

/** What is known of namespaces, folded from their objects and from the LimitRanges and ResourceQuotas in them. */
export class NamespaceView {
  readonly #namespaces = new Map<string, { labels: Record<string, string>; fold: NamespaceFold }>()
  /** By `kind/namespace`, then by name. Until a kind has been listed, every namespace is taken to have one. */
  readonly #constraints = new Map<string, Map<string, Constraining>>()
  readonly #listed = new Set<Constraint>()

  /** Returns what is wrong with its annotations, in sentences. */
  set(namespace: Namespace): string[] {
    const name = namespace.metadata.name ?? ''
    const fold = foldNamespace(this.#namespaces.get(name)?.fold, namespace)
    this.#namespaces.set(name, { labels: namespace.metadata.labels ?? {}, fold })
    return fold.problems.map(problem => problem.message)
  }

  delete(name: string): void {
    this.#namespaces.delete(name)
  }

  constrain(kind: Constraint, { metadata: { namespace, name }, spec }: ConstraintObject): void {
    const key = `${kind}/${namespace}`
    if (kind === 'ResourceQuota' && countsObjectsOnly(spec?.hard)) {
      this.#forget(key, name)
      return
    }
    const items = Array.isArray(spec?.limits) ? spec.limits : []
    const said = { items, counted: Object.keys(spec?.hard ?? {}) }
    this.#constraints.set(key, (this.#constraints.get(key) ?? new Map()).set(name ?? '', said))
  }

  unconstrain(kind: Constraint, { namespace, name }: ObjectMeta): void {
    this.#forget(`${kind}/${namespace}`, name)
  }

  /** For how many pairs of a kind and a namespace objects are remembered. */
  get constrained(): number {
    return this.#constraints.size
  }

  listed(kind: Constraint): void {
    this.#listed.add(kind)
  }

  /** Undefined for a namespace not seen yet. */
  factsOf(name: string): NamespaceFacts | undefined {
    const known = this.#namespaces.get(name)
    return (
      known && {
        labels: known.labels,
        settings: known.fold.settings,
        hasLimitRange: this.#has('LimitRange', name),
        hasResourceQuota: this.#has('ResourceQuota', name),
        ...(this.#listed.has('LimitRange') && { limitRanges: this.#said('LimitRange', name).flatMap(o => o.items) }),
        ...(this.#listed.has('ResourceQuota') && {
          quotaCounts: this.#said('ResourceQuota', name).flatMap(o => o.counted),
        }),
      }
    )
  }

  #forget(key: string, name = ''): void {
    const named = this.#constraints.get(key)
    named?.delete(name)
    if (named?.size === 0) this.#constraints.delete(key)
  }

  #said(kind: Constraint, namespace: string): Constraining[] {
    return [...(this.#constraints.get(`${kind}/${namespace}`)?.values() ?? [])]
  }

  #has(kind: Constraint, namespace: string): boolean {
    return !this.#listed.has(kind) || (this.#constraints.get(`${kind}/${namespace}`)?.size ?? 0) > 0
  }
}

function countsObjectsOnly(hard: Record<string, unknown> | undefined): boolean {
  return hard !== undefined && Object.keys(hard).every(name => OBJECT_COUNT.test(name))
}
