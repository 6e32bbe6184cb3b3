/**
 * Waiting connections that are examined, newest first: at 10,000 new connections a second they arrived within 50 ms.
 */
const LOOKED_AT = 512

export interface WaitingView<T> {
  /** False once it has gone. */
  waits: (connection: T) => boolean
  /** How many connections of an address have begun. */
  begunOf: (address: string) => number
}

/**
 * The connection to serve next: among the newest, one of the address of which the fewest have begun; of these the
 * newest. So an address that opens connections without end delays only its own, and among many gates behind one address
 * (SNAT), or with an address each, the newest is served. `stack` has the newest last; closed connections are skipped.
 * Undefined when none waits.
 */
export function nextConnection<T extends { address: string }>(
  stack: readonly T[],
  { waits, begunOf }: WaitingView<T>,
): T | undefined {
  let best: T | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (let i = stack.length - 1, looked = 0; i >= 0 && looked < LOOKED_AT && fewest > 0; i--) {
    const candidate = stack[i]
    if (!candidate || !waits(candidate)) continue
    looked++
    const begun = begunOf(candidate.address)
    if (begun >= fewest) continue
    best = candidate
    fewest = begun
  }
  return best
}
