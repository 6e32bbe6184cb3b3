/**
 * Places of one line whose gates keep their connection. Enough that a line which moves by 30 a second does not run dry
 * in the longest absence (faster lines give shorter ones, by their estimate); bounds what waiting costs the leader.
 */
export const HELD_PLACES = 1_000

/** Open answers of all lines together: one costs 80 to 130 KiB (bench/), and the chart's memory limit leaves room for these. */
export const HELD_STREAMS = 10_000
/** So many stay in each line, however many lines there are: enough for what the next steps give out. */
const LEAST_HELD_PLACES = 10

const LEAST_AWAY_MS = 5_000
/** Bounds how long a slot may find nobody of an older pod in line: order is computed from those who are there. */
const LONGEST_AWAY_MS = 30_000

/** Places whose gates keep their connection in each of so many lines. */
export function heldPlaces(lines: number): number {
  return Math.min(HELD_PLACES, Math.max(LEAST_HELD_PLACES, Math.floor(HELD_STREAMS / Math.max(1, lines))))
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
