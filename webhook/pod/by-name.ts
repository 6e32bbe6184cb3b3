/**
 * Named elements of a pod by their names, so that nothing has to be looked for in lists that its author can make long.
 * Of several of one name, which the API server refuses later, the first.
 */
export function byName<T extends { name: string }>(elements: readonly T[] | null | undefined): Map<string, T> {
  const map = new Map<string, T>()
  for (const element of elements ?? []) if (!map.has(element.name)) map.set(element.name, element)
  return map
}

/** How many elements have each name. */
export function countsByName(elements: Iterable<{ name: string }>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { name } of elements) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
