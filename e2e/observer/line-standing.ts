/**
 * A gate's word for it that it stood in line: a leader had told it its place, and contact was not lost since. Wall
 * clock of its node.
 */
export interface Standing {
  fromMs: number
  toMs: number
}

export interface GateStory {
  standings: Standing[]
  grantedAtMs?: number
  /** How long before that it was decided: a loaded API server takes seconds to store a grant. */
  storedMs?: number
}

interface LogLine {
  time: string | number
  msg: string
  place?: number
  storedMs?: number
}

/** A gate that has just come back was not in a decision that another hears of now. */
const DECIDED_MS = 1_000
/**
 * Grants are decided in order and heard when each is written: a loaded API server takes 1.5 s longer for one than for
 * the next (seen).
 */
const WRITTEN_MS = 5_000
/** A gate that hears nothing takes that for a loss after so long. */
const SILENCE_MS = 15_000

/** Reads a gate's log: it says each time why it waits, with its place while a leader tells it. */
export function storyOf(log: string): GateStory {
  const story: GateStory = { standings: [] }
  let fromMs: number | undefined
  for (const text of log.split('\n').filter(Boolean)) {
    const { time, msg, place, storedMs } = JSON.parse(text) as LogLine
    const atMs = new Date(time).getTime()
    if (msg === 'granted') Object.assign(story, { grantedAtMs: atMs, ...(storedMs !== undefined && { storedMs }) })
    if (msg === 'waiting' && place !== undefined) {
      fromMs ??= atMs
      continue
    }
    if (fromMs !== undefined) story.standings.push({ fromMs, toMs: atMs })
    fromMs = undefined
  }
  return story
}

/**
 * Whether `earlier` stood in line when `later` was granted, and went on to. Soon after a fault it may only not know yet
 * that it does not, unless a leader has spoken to it since.
 */
export function stoodInLine(earlier: GateStory, later: GateStory, faultsAtMs: readonly number[] = []): boolean {
  const { grantedAtMs } = later
  if (grantedAtMs === undefined) return true
  if (foundItsGrant(later)) return false
  const decidedAtMs = grantedAtMs - (later.storedMs ?? 0)
  const standing = earlier.standings.find(
    s => s.fromMs + DECIDED_MS <= decidedAtMs && grantedAtMs + WRITTEN_MS < s.toMs,
  )
  if (!standing) return false
  return !faultsAtMs.some(f => standing.fromMs < f && f <= grantedAtMs && grantedAtMs < f + SILENCE_MS)
}

/**
 * It stood in line, lost contact, and the first word when it came back was its grant: that may be from before, its
 * answer lost, when `earlier` was away.
 */
function foundItsGrant({ standings, grantedAtMs }: GateStory): boolean {
  const last = standings.at(-1)
  return last !== undefined && last.toMs !== grantedAtMs
}
