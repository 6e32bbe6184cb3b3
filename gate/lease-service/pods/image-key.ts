import { createHash } from 'node:crypto'
import { fullImageName, registryOf } from '../../../core/image-name.ts'

/** A registry's name is a host name, perhaps with a port. */
const MAX_REGISTRY_LENGTH = 253 + ':65535'.length
/** A pod's author writes the name, a kibibyte of it if he likes: only what is short is remembered. */
const MAX_KNOWN_LENGTH = 512
const MAX_KNOWN = 20_000
const DIGEST_LENGTH = 32
const DIGEST = new RegExp(`^sha256-[0-9a-f]{${DIGEST_LENGTH}}$`)

const known = new Map<string, string>()

/** Stands for a text in bounded length: equal texts have equal digests. */
export function digestOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('hex').slice(0, DIGEST_LENGTH)}`
}

export function isDigest(text: string): boolean {
  return DIGEST.test(text)
}

/**
 * An image as tickets, Leases and nodes name it: its registry and a digest of its full name. Names have no bound that
 * a Lease could hold.
 */
export function imageKeyOf(reference: string): string {
  const before = known.get(reference)
  if (before) return before
  const name = fullImageName(reference)
  const registry = registryOf(name)
  const key = `${registry.length > MAX_REGISTRY_LENGTH ? digestOf(registry) : registry}/${digestOf(name)}`
  if (reference.length <= MAX_KNOWN_LENGTH) remember(reference, key)
  return key
}

/** The same of what a Lease holds: an earlier version stored names. */
export function storedImageKeyOf(image: string): string {
  const slash = image.indexOf('/')
  return slash > 0 && isDigest(image.slice(slash + 1)) ? image : imageKeyOf(image)
}

/** A cluster has few images on many nodes, and each node tells of all of its own again and again. */
function remember(reference: string, key: string): void {
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(reference, key)
}
