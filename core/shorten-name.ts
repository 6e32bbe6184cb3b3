import { createHash } from 'node:crypto'

/** Container names are DNS labels. Source: RFC 1123. */
const MAX_LENGTH = 63
const HASH_LENGTH = 8

/**
 * The name itself, or if it is longer than 63 characters its beginning, a hyphen and a hash of the whole: the same
 * name always gives the same, and two names that begin alike stay apart.
 */
export function shortenName<T extends string>(name: T): T {
  if (name.length <= MAX_LENGTH) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH)
  // The callers' prefixes are far shorter than what is kept, so the type of a prefixed name still holds.
  return `${name.slice(0, MAX_LENGTH - HASH_LENGTH - 1).replace(/-+$/, '')}-${hash}` as T
}
