import { isConditionTrue } from '../../core/condition.ts'
import type { Node, Pod } from '../../core/pod.ts'

interface NodeEntry {
  labels: Record<string, string>
  /** Ready, and not cordoned: where the scheduler may put a new pod. */
  takesPods: boolean
  images: ReadonlySet<string>
}

/** Which images the nodes say they have, folded from Node objects. A node lists 50 images unless told otherwise. */
export class NodeImages {
  readonly #nodes = new Map<string, NodeEntry>()

  set(node: Node): void {
    const isReady = isConditionTrue(node.status?.conditions, 'Ready')
    this.#nodes.set(node.metadata.name ?? '', {
      labels: node.metadata.labels ?? {},
      takesPods: isReady && node.spec?.unschedulable !== true,
      images: new Set((node.status?.images ?? []).flatMap(image => image.names ?? [])),
    })
  }

  delete(name: string): void {
    this.#nodes.delete(name)
  }

  /**
   * Says of a full image name whether every node that this pod may land on has it. Taints and affinity are not looked
   * at: they only make the choice smaller. False when no such node is known, since one may be on its way.
   */
  everywhereFor(pod: Pod): (image: string) => boolean {
    const candidates = this.#candidates(pod)
    return image => candidates.length > 0 && candidates.every(node => node.images.has(image))
  }

  #candidates({ spec }: Pod): NodeEntry[] {
    if (spec.nodeName) {
      const node = this.#nodes.get(spec.nodeName)
      return node ? [node] : []
    }
    const wanted = Object.entries(spec.nodeSelector ?? {})
    return [...this.#nodes.values()].filter(
      node => node.takesPods && wanted.every(([key, value]) => node.labels[key] === value),
    )
  }
}
