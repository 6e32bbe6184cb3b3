import type { HandOver } from './hand-overs.ts'
import { type Quantiles, quantiles } from './quantiles.ts'
import type { GrantWay } from './slot-trace.ts'

/** One part of the way from a free slot to the word on the gate's link. */
export interface SlotPart {
  /** What ends it. */
  until: string
  ms: Quantiles
}

/** In their order; each but the first begins with the end of the one before. */
const ENDS = [
  ['the step begins', 'stepBegunMs'],
  ['it has decided', 'decidedMs'],
  ['the write of the Lease begins', 'writeBegunMs'],
  ['the Lease is written', 'writtenMs'],
  ['the read of the election Lease begins', 'confirmBegunMs'],
  ['the gate is told', 'toldMs'],
  ['the word is on its link', 'flushedMs'],
] as const

/** Where the time of each hand-over went, of those whose way is known. */
export function slotParts(handOvers: readonly HandOver[], ways: readonly GrantWay[]): SlotPart[] {
  const wayOf = new Map(ways.map(way => [way.podUid, way]))
  const known = handOvers.flatMap(({ podUid, freedAtMs }) => {
    const way = wayOf.get(podUid)
    return way ? [{ ...way, freedAtMs }] : []
  })
  return ENDS.map(([until, end], i) => {
    const begin = ENDS[i - 1]?.[1] ?? 'freedAtMs'
    return { until, ms: quantiles(known.map(way => way[end] - way[begin])) }
  })
}
