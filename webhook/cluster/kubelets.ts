import type { Node, Pod } from '../../core/pod.ts'

/** The first minor version whose kubelet, started anew, waits for a startup probe of a container that runs already. */
const FIRST_MINOR = 36
/** Whose runtime ends a probe's program when the kubelet that asked for it is gone, which the gate has to hear. */
const RUNTIME = 'containerd://'
/** Nodes of virtual kubelets, which pods get to by tolerating this alone. */
const VIRTUAL_TAINT = 'virtual-kubelet.io/'

interface NodeEntry {
  labels: Record<string, string>
  isVirtual: boolean
}

/**
 * On which nodes a gate that stays in its pod would not keep the order when the kubelet is started anew: folded from
 * Node objects, in any state, since one that takes no pods now may take the next.
 */
export class Kubelets {
  readonly #known = new Set<string>()
  readonly #unfit = new Map<string, NodeEntry>()

  set({ metadata, spec, status }: Node): void {
    const name = metadata.name ?? ''
    this.#known.add(name)
    this.#unfit.delete(name)
    if (isFit(status?.nodeInfo)) return
    const isVirtual = (spec?.taints ?? []).some(isVirtualTaint)
    this.#unfit.set(name, { labels: metadata.labels ?? {}, isVirtual })
  }

  delete(name: string): void {
    this.#known.delete(name)
    this.#unfit.delete(name)
  }

  /** Whether each node that this pod may land on is known and fit; false when no node is known. */
  areFitFor({ spec }: Pod): boolean {
    if (spec.nodeName) return this.#known.has(spec.nodeName) && !this.#unfit.has(spec.nodeName)
    if (this.#known.size === 0) return false
    const wanted = Object.entries(spec.nodeSelector ?? {})
    const goesToVirtual = toleratesVirtual(spec.tolerations)
    return !this.#unfit
      .values()
      .some(
        ({ labels, isVirtual }) =>
          (goesToVirtual || !isVirtual) && wanted.every(([key, value]) => labels[key] === value),
      )
  }
}

/** What cannot be read counts as old, and so do alpha, beta and candidate versions of the first that is new enough. */
function isFit({ kubeletVersion, containerRuntimeVersion }: NonNullable<Node['status']>['nodeInfo'] = {}): boolean {
  if (typeof kubeletVersion !== 'string' || typeof containerRuntimeVersion !== 'string') return false
  const [, major, minor, rest = ''] = /^v?(\d{1,4})\.(\d{1,4})(?!\d)(.{0,64})/.exec(kubeletVersion) ?? []
  if (major === undefined || !containerRuntimeVersion.startsWith(RUNTIME)) return false
  const isEarly = /^\.0-(alpha|beta|rc)/.test(rest)
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= FIRST_MINOR + (isEarly ? 1 : 0))
}

/** One that the scheduler only prefers to heed keeps no pod away. */
function isVirtualTaint({ key, effect }: { key: string; effect: string }): boolean {
  return key.startsWith(VIRTUAL_TAINT) && effect !== 'PreferNoSchedule'
}

/** A key left out tolerates every taint. */
function toleratesVirtual(tolerations: unknown): boolean {
  if (!Array.isArray(tolerations)) return false
  return tolerations.some(item => {
    const key: unknown = item?.key
    return key === undefined || key === null || key === '' || String(key).startsWith(VIRTUAL_TAINT)
  })
}
