/**
 * Whether a value holds itself somewhere below, as an alias of YAML inside its own anchor makes it: no walk over such a
 * one would end. Linear in what the value holds, and without recursion.
 */
export function hasCycle(value: unknown): boolean {
  const done = new Set<object>()
  const open = new Set<object>()
  const steps: Step[] = [{ enter: value }]
  for (let step = steps.pop(); step; step = steps.pop()) {
    if ('leave' in step) {
      open.delete(step.leave)
      done.add(step.leave)
      continue
    }
    const { enter } = step
    if (typeof enter !== 'object' || enter === null || done.has(enter)) continue
    if (open.has(enter)) return true
    open.add(enter)
    steps.push({ leave: enter })
    for (const child of childrenOf(enter)) steps.push({ enter: child })
  }
  return false
}

type Step = { enter: unknown } | { leave: object }

/** YAML 1.1 has sets and ordered maps too. */
function childrenOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value].flat()
  return Array.isArray(value) || value instanceof Set ? value : Object.values(value)
}
