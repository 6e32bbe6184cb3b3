/** Places of the stack that are looked at: at 10,000 new connections a second these came within 50 ms. */
const LOOKED_AT = 512

export interface WaitingView<T> {
  /** False once it has gone. */
  waits: (connection: T) => boolean
  /** How many have begun of an address. */
  begunOf: (address: string) => number
}

/**
 * Whose turn it is: of the newest, one at an address of which the fewest have begun; of these the newest. So who opens
 * connections without end gets in its own way, and of a herd behind one address (SNAT), or at an address each, the
 * newest is served. `stack`: the newest last; those that have gone are skipped. Undefined: nobody waits.
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
