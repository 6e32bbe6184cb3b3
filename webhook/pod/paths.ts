/**
 * Paths in a container, as a mount has them: of any length and shape, since the API server has not looked at them yet.
 */

const SLASH = 47

/** In one pass; a regular expression would look for the end of the text from each slash. */
export function withoutEndSlashes(path: string): string {
  let end = path.length
  while (end > 0 && path.charCodeAt(end - 1) === SLASH) end--
  return path.slice(0, end)
}

export function isSamePath(a: unknown, b: string): boolean {
  return typeof a === 'string' && withoutEndSlashes(a) === b
}

/** Whether a file at `path` is in `directory`. */
export function isUnderPath(path: string, directory: unknown): boolean {
  return typeof directory === 'string' && path.startsWith(`${withoutEndSlashes(directory)}/`)
}
