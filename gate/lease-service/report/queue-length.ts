import type { Resource, WaitCause, Waiting } from '../model/grant.ts'

/** Gates that wait for one resource, of one namespace and for one cause. */
export interface QueueLength {
  resource: Resource
  namespace: string
  cause: WaitCause
  gates: number
  /** How long the longest of them has waited, in ms. */
  longestMs: number
}

/** Counts who waits; `sinceMs` says when a gate first asked, on the clock of `nowMs`. */
export function queueLengths(
  waiting: readonly Waiting[],
  sinceMs: (key: string) => number | undefined,
  nowMs: number,
): QueueLength[] {
  const rows = new Map<string, QueueLength>()
  for (const { key, resource, namespace, cause } of waiting) {
    const id = `${resource}/${namespace}/${cause}`
    const row = rows.get(id) ?? { resource, namespace, cause, gates: 0, longestMs: 0 }
    row.gates += 1
    row.longestMs = Math.max(row.longestMs, nowMs - (sinceMs(key) ?? nowMs))
    rows.set(id, row)
  }
  return [...rows.values()]
}
