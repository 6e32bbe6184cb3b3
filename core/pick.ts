/** Those of the fields that are there. */
export function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const kept: Partial<T> = {}
  for (const key of keys) if (from[key] !== undefined) kept[key] = from[key]
  return kept as Pick<T, K>
}
