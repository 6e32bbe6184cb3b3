import { cut } from '../../../core/errors.ts'
import type { Pod } from '../../../core/pod.ts'
import { hasTooManyContainers } from '../../../core/pod-size.ts'
import { imageKeyOf } from './image-key.ts'
import { containerOf } from './pod-sequence.ts'
import { isFinished } from './ticket-from-pod.ts'

/**
 * Keys of the images that a pod's status proves to be on its node: a container that runs or ran had its image.
 * Nothing from a finished pod, whose images the kubelet may have removed since, nor from records the runtime lost.
 */
export function imagesShownBy(pod: Pod): Set<string> {
  const images = new Set<string>()
  if (isFinished(pod) || hasTooManyContainers(pod)) return images
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  for (const { name, imageID, state } of statuses) {
    const hasRun = state?.running !== undefined || (state?.terminated?.containerID ?? '') !== ''
    const image = hasRun && imageID ? containerOf(pod, name)?.image : undefined
    if (image) images.add(imageKeyOf(image))
  }
  return images
}

/** Characters of an image's name in a sentence: with a digest it has some 120. */
const MOST_NAME = 200

/** How a pod writes the image with this key, for a sentence: its author may write anything. */
export function imageNameIn({ spec }: Pod, image: string): string | undefined {
  const named = [...(spec.initContainers ?? []), ...spec.containers].find(c => c.image && imageKeyOf(c.image) === image)
  return named?.image && cut(named.image, MOST_NAME).replace(/[\p{Cc}\p{Cf}\s]/gu, '?')
}

/** How many pods show an image to be on a node. */
export class ImageCounts {
  readonly #counts = new Map<string, Map<string, number>>()

  add(nodeName: string, images: readonly string[], change: 1 | -1): void {
    const counts = this.#counts.get(nodeName) ?? new Map<string, number>()
    for (const image of images) {
      const count = (counts.get(image) ?? 0) + change
      if (count > 0) counts.set(image, count)
      else counts.delete(image)
    }
    if (counts.size > 0) this.#counts.set(nodeName, counts)
    else this.#counts.delete(nodeName)
  }

  has(nodeName: string, image: string): boolean {
    return this.#counts.get(nodeName)?.has(image) ?? false
  }
}

const NONE: readonly string[] = []

/** Which images gated pods have shown to be on which node, beside the 50 that the node itself lists. */
export class ShownImages {
  readonly #shown = new Map<string, { nodeName: string; images: readonly string[] }>()
  readonly #counts = new ImageCounts()

  /** Returns what the pod shows, if that is not what it showed before. */
  setPod(pod: Pod): ReadonlySet<string> | undefined {
    const uid = pod.metadata.uid ?? ''
    const nodeName = pod.spec.nodeName ?? ''
    const shown = imagesShownBy(pod)
    const before = this.#shown.get(uid)
    // Most statuses say nothing new of images.
    const isSame = before?.images.length === shown.size && before.images.every(image => shown.has(image))
    if (before?.nodeName === nodeName && isSame) return undefined
    this.removePod(uid)
    const images = shown.size === 0 ? NONE : [...shown]
    this.#shown.set(uid, { nodeName, images })
    this.#counts.add(nodeName, images, 1)
    return shown
  }

  removePod(uid: string): void {
    const shown = this.#shown.get(uid)
    if (!shown) return
    this.#shown.delete(uid)
    this.#counts.add(shown.nodeName, shown.images, -1)
  }

  has(nodeName: string, image: string): boolean {
    return this.#counts.has(nodeName, image)
  }
}
