import type { Waiting } from './model.ts'

/**
 * Places of one line whose gates keep their connection. Enough that a line which moves by 30 a second does not run dry
 * in the longest absence (faster lines give shorter ones, by their estimate); bounds what waiting costs the leader.
 */
export const HELD_PLACES = 1_000

/** Open answers of all lines together: one costs 80 to 130 KiB (bench/), and the chart's memory limit leaves room for these. */
export const HELD_STREAMS = 10_000
/** Of these, for gates that stand in no line: what they wait for is no limit, so nothing is lost by coming back late. */
export const HELD_ASIDE = 5_000
/** So many stay in each line, however many lines there are: enough for what the next steps give out. */
const LEAST_HELD_PLACES = 10

const LEAST_AWAY_MS = 5_000
/** Bounds how long a slot may find nobody of an older pod in line: order is computed from those who are there. */
const LONGEST_AWAY_MS = 30_000

/** Places whose gates keep their connection in each of so many lines, while so many gates that stand in none keep theirs. */
export function heldPlaces(lines: number, aside: number): number {
  const left = HELD_STREAMS - Math.min(aside, HELD_ASIDE)
  return Math.min(HELD_PLACES, Math.max(LEAST_HELD_PLACES, Math.floor(left / Math.max(1, lines))))
}

/** Each who waits, with how long its gate should be away; undefined while it should stay. */
export function* absences(waiting: readonly Waiting[], random: () => number): Iterable<[Waiting, number | undefined]> {
  const isHead = (row: Waiting) => row.place === 1 && !isAside(row)
  const aside = waiting.filter(isAside).length
  const held = heldPlaces(waiting.filter(isHead).length, aside)
  let asideSoFar = 0
  for (const row of waiting) {
    if (isAside(row)) yield [row, awayMs({ place: ++asideSoFar }, HELD_ASIDE, random())]
    else yield [row, awayMs(row, held, random())]
  }
}

/** Whether it stands in no line: its turn depends on no slot. */
function isAside({ cause }: Waiting): boolean {
  return cause === 'order' || cause === 'node-lost' || cause === 'pod-unknown'
}

/**
 * When a gate at this place should ask again; undefined while it should stay. It loses no place by going, since order
 * comes from its pod, and who is away when a slot gets free blocks nobody. `random` is in [0, 1).
 */
export function awayMs(
  { place, estimateMs }: { place: number; estimateMs?: number },
  held: number,
  random: number,
): number | undefined {
  if (place <= held) return undefined
  // Without an estimate the line is new or frozen: thousands that come back every few seconds would be load for nothing.
  const untilHeldMs = estimateMs === undefined ? LONGEST_AWAY_MS : (estimateMs * (place - held)) / place
  const ceilingMs = Math.min(LONGEST_AWAY_MS, Math.max(LEAST_AWAY_MS, untilHeldMs))
  return Math.round(ceilingMs * (0.5 + random / 2))
}
