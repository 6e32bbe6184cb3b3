import type { Grant } from '../model/grant.ts'

/** A grant of a pull. `isRiding`: it holds no slot, since others pull its images to its node. */
export interface Pull {
  grant: Pick<Grant, 'resource' | 'nodeName' | 'images'>
  isRiding: boolean
}

/**
 * Who pulls what to which node. Two pods that pull one image to one node make one pull, under one slot: the slot of the
 * first, and when that ends while the other goes on, the other's.
 */
export class Pulls<P extends Pull = Pull> {
  readonly #isOnNode: (nodeName: string, image: string) => boolean
  /** Number of grants that pull an image under a slot of their own, by node and image. */
  readonly #carried = new Map<string, number>()
  readonly #riders = new Map<string, Set<P>>()
  /** Nodes on which riders may have been left alone. */
  readonly #changed = new Set<string>()

  constructor(isOnNode: (nodeName: string, image: string) => boolean) {
    this.#isOnNode = isOnNode
  }

  isCarried(nodeName: string, image: string): boolean {
    return (this.#carried.get(`${nodeName} ${image}`) ?? 0) > 0
  }

  add(pull: P): void {
    const { nodeName } = pull.grant
    if (!pull.isRiding) {
      this.#count(pull, 1)
      return
    }
    this.#riders.set(nodeName, (this.#riders.get(nodeName) ?? new Set()).add(pull))
    // A later leader may find it without the one it rode on.
    this.#changed.add(nodeName)
  }

  remove(pull: P): void {
    if (pull.isRiding) this.#forget(pull)
    else {
      this.#count(pull, -1)
      this.#changed.add(pull.grant.nodeName)
    }
  }

  /**
   * Takes those out of the riders that pull something that is not on their node and that nobody else pulls there: each
   * needs a slot of its own.
   */
  left(): P[] {
    const left: P[] = []
    for (const nodeName of this.#changed) {
      for (const pull of this.#riders.get(nodeName) ?? []) {
        const isLeft = pull.grant.images.some(i => !this.isCarried(nodeName, i) && !this.#isOnNode(nodeName, i))
        if (!isLeft) continue
        this.#forget(pull)
        pull.isRiding = false
        this.#count(pull, 1)
        left.push(pull)
      }
    }
    this.#changed.clear()
    return left
  }

  #forget(pull: P): void {
    const { nodeName } = pull.grant
    const riders = this.#riders.get(nodeName)
    riders?.delete(pull)
    if (riders?.size === 0) this.#riders.delete(nodeName)
  }

  #count({ grant: { nodeName, images } }: P, change: number): void {
    for (const image of images) {
      const key = `${nodeName} ${image}`
      const count = (this.#carried.get(key) ?? 0) + change
      if (count > 0) this.#carried.set(key, count)
      else this.#carried.delete(key)
    }
  }
}
