import type { Pod } from '../core/pod.ts'

/**
 * When a gate heard of its grant or was told of it, or a pod's slot came back, in ms of the machine's monotonic clock.
 */
export interface PodTime {
  podUid: string
  atMs: number
}

/**
 * From a slot's coming back until a gate is told, or has heard, that it has one, in ms: the n-th grant after the first
 * `slots`, which found free ones, with the n-th slot that came back.
 */
export function handOversMs(freedAtMs: readonly number[], grants: readonly PodTime[], slots: number): number[] {
  return handOvers(freedAtMs, grants, slots).map(({ atMs, freedAtMs: ms }) => atMs - ms)
}

/** A grant, and when the slot came back that it is matched with. */
export interface HandOver extends PodTime {
  freedAtMs: number
}

function handOvers(freedAtMs: readonly number[], grants: readonly PodTime[], slots: number): HandOver[] {
  const freed = freedAtMs.toSorted((a, b) => a - b)
  const later = grants.toSorted((a, b) => a.atMs - b.atMs).slice(slots, slots + freed.length)
  return later.map((grant, i) => ({ ...grant, freedAtMs: freed[i] ?? Number.NaN }))
}

/**
 * The same where each line has slots of its own. Of all together it would not be told: a slot that comes back where
 * nobody waits any more is nobody's.
 */
export function handOversByLine(
  freed: readonly PodTime[],
  grants: readonly PodTime[],
  { slots, lineOf }: { slots: number; lineOf: (podUid: string) => number },
): HandOver[] {
  const freedIn = Map.groupBy(freed, ({ podUid }) => lineOf(podUid))
  return [...Map.groupBy(grants, ({ podUid }) => lineOf(podUid))].flatMap(([line, granted]) =>
    handOvers(
      (freedIn.get(line) ?? []).map(({ atMs }) => atMs),
      granted,
      slots,
    ),
  )
}

/** How many older pods of its own namespace were still waiting when a pod was granted; the mean of all grants. */
export function meanPassedOver(pods: readonly Pod[], grants: readonly PodTime[]): number {
  const waiting = new Map<string, Pod[]>()
  for (const pod of pods.toSorted((a, b) => createdAtMs(a) - createdAtMs(b)))
    waiting.set(namespaceOf(pod), [...(waiting.get(namespaceOf(pod)) ?? []), pod])
  const namespaces = new Map(pods.map(pod => [pod.metadata.uid, namespaceOf(pod)]))
  let passedOver = 0
  for (const { podUid } of grants) {
    const line = waiting.get(namespaces.get(podUid) ?? '') ?? []
    const place = line.findIndex(pod => pod.metadata.uid === podUid)
    passedOver += place
    line.splice(place, 1)
  }
  return passedOver / grants.length
}

function namespaceOf(pod: Pod): string {
  return pod.metadata.namespace ?? ''
}

function createdAtMs(pod: Pod): number {
  return Date.parse(pod.metadata.creationTimestamp ?? '')
}
