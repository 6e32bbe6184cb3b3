import type { ImageSpread } from '../limits/scope.ts'

export interface WantedImagesDeps {
  /** Names of the nodes there are. */
  nodes: () => Iterable<string>
  isOnNode: (nodeName: string, image: string) => boolean
}

interface Wanted {
  name: string | undefined
  nodes: Set<string>
}

/**
 * Looks at one image on one node, between two decisions: some 20 ms. An image that is beyond this counts as one that no
 * node has, until a later decision.
 */
const MOST_LOOKS = 100_000

/**
 * On which nodes the images are that gates wait to pull under a ramp; nothing is kept of others. A node that has shown
 * an image has it as long as it is wanted and the node is there: node.status.images lists 50, and a pod that pulled it
 * may be gone before the next one asks.
 */
export class WantedImages implements ImageSpread {
  readonly #deps: WantedImagesDeps
  readonly #wanted = new Map<string, Wanted>()
  #looks = 0
  #isCutShort = false
  #version = 0

  constructor(deps: WantedImagesDeps) {
    this.#deps = deps
  }

  /** Another, higher number after each change of a count, and when an image is forgotten. */
  get version(): number {
    return this.#version
  }

  onNodes(image: string): number {
    return this.#of(image)?.nodes.size ?? 0
  }

  isWanted(image: string): boolean {
    return this.#wanted.has(image)
  }

  nameOf(image: string): string | undefined {
    return this.#wanted.get(image)?.name
  }

  /** What gates wait to pull at the decision that comes next, by key; `nameOf` is asked once for each. */
  want(images: ReadonlySet<string>, nameOf: (image: string) => string | undefined): void {
    this.#looks = 0
    if (this.#isCutShort) this.#version += 1
    this.#isCutShort = false
    // Of these no count is kept up to date any more.
    for (const image of this.#wanted.keys()) if (!images.has(image) && this.#wanted.delete(image)) this.#version += 1
    for (const image of images) {
      const wanted = this.#of(image)
      if (wanted) wanted.name ??= nameOf(image)
    }
  }

  /** A node shows images, or a pod that runs there does. */
  shown(nodeName: string, images: Iterable<string>): void {
    if (this.#wanted.size === 0) return
    for (const image of images) {
      const nodes = this.#wanted.get(image)?.nodes
      if (!nodes || nodes.has(nodeName)) continue
      nodes.add(nodeName)
      this.#version += 1
    }
  }

  nodeGone(nodeName: string): void {
    for (const { nodes } of this.#wanted.values()) if (nodes.delete(nodeName)) this.#version += 1
  }

  /** Looks for an image that is not known yet on all nodes, unless that is too much for now. */
  #of(image: string): Wanted | undefined {
    const known = this.#wanted.get(image)
    if (known) return known
    if (this.#looks >= MOST_LOOKS) {
      this.#isCutShort = true
      return undefined
    }
    const nodes = new Set<string>()
    for (const nodeName of this.#deps.nodes()) {
      this.#looks += 1
      if (this.#deps.isOnNode(nodeName, image)) nodes.add(nodeName)
    }
    const wanted = { name: undefined, nodes }
    this.#wanted.set(image, wanted)
    return wanted
  }
}
