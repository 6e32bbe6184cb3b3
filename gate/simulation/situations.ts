/** What must have happened at least once over many seeds, or the worlds would prove less than they seem to. */
const SITUATIONS = [
  'a leader crashed',
  'all leaders were gone',
  'a leader was paused',
  'a new leader kept a turn',
  'a woken leader found its term lost',
  'the election Lease was deleted',
  'the API server was down',
  'a watch broke',
  'a clock jumped',
  'a write failed',
  'the outcome of a write was unknown',
  'a write of unknown outcome was carried out',
  'a stored grant was decided on anew',
  'a write outlived its leader',
  'an answer was lost',
  'an answer to an earlier request came',
  'a gate was told to come back',
  'a report was lost',
  'a stream broke',
  'an agent crashed',
  'a gate failed open',
  'a sandbox was killed',
  'a node rebooted',
  'a node was lost',
  'a pod was deleted',
  'many pods were deleted',
  'limits changed',
  'a limit froze',
  'a node came into another pool',
  'a status came late',
  'an older status came again',
  'a slot timed out while others waited',
  'a stage waited for what it depends on',
  'a request was larger than a limit',
  'a start without a slot took room',
  'pressure held a start back',
  'pressure fell',
  'auto raised a limit',
  'auto cut a limit',
  'a leader began with what one before it had learned',
  'figures of a node made no sense',
  'one passed full limits',
  'turns went by weight',
  'a pull backed off',
  'a ramp held a pull back',
  'a pull rode on another',
  'a pull outlasted the one it rode on',
  'a container crashed',
  'a container started late',
  'a pod past starting was forgotten',
] as const

export type Situation = (typeof SITUATIONS)[number]

/** Test support. How often what happened. */
export class Situations {
  /** Of the world that runs; ms. */
  now = (): number => 0
  readonly #counts = new Map<Situation, number>(SITUATIONS.map(situation => [situation, 0]))

  note(situation: Situation, times = 1): void {
    this.#counts.set(situation, (this.#counts.get(situation) ?? 0) + times)
  }

  /** What happened, in a line; kept by a Journal only. */
  say(_line: string): void {}

  add(other: Situations): void {
    for (const [situation, times] of other.#counts) this.note(situation, times)
  }

  missing(): Situation[] {
    return SITUATIONS.filter(situation => this.#counts.get(situation) === 0)
  }

  toString(): string {
    return [...this.#counts].map(([situation, times]) => `${times} × ${situation}`).join('\n')
  }
}

/** Test support. Keeps all that happened in one world, with its time. */
export class Journal extends Situations {
  readonly lines: string[] = []

  override note(situation: Situation, times = 1): void {
    super.note(situation, times)
    if (times > 0) this.say(situation)
  }

  override say(line: string): void {
    this.lines.push(`${(this.now() / 1_000).toFixed(3).padStart(9)} s  ${line}`)
  }
}
