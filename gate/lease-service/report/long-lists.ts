import { createHash } from 'node:crypto'

/* Lists that a pod's author makes as long as he likes, in few words. */

/** So many are named. */
const NAMED = 8

/** `a → b → a`; of a long one the first: `a → b → … → 4990 more → a`. `path` ends with its first name. */
export function circleText(path: readonly string[]): string {
  return path.length <= NAMED + 1 ? path.join(' → ') : `${named(path.slice(0, -1), ' → ')} → ${path[0]}`
}

/** The first of them, and how many more there are. */
export function named(names: readonly string[], separator: string): string {
  const more = names.length - NAMED
  const shown = names.slice(0, NAMED).join(separator)
  return more > 0 ? `${shown}${separator}${more} more` : shown
}

/** Another text for other names, of one length. */
export function digestOf(names: readonly string[]): string {
  const hash = createHash('sha256')
  for (const name of names) hash.update(name).update('\n')
  return hash.digest('base64url')
}
