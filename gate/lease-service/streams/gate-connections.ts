import type { Clock } from '../../../core/clock.ts'
import type { Pod } from '../../../core/pod.ts'
import type { NodePressures } from '../limits/node-pressure.ts'
import { type Grant, isFree, podUidOf, type Waiting } from '../model/grant.ts'
import type { Directions, Stream } from '../model/stream.ts'
import { WaitingRows } from '../model/waiting-rows.ts'
import { type QueueLength, queueLengths } from '../report/queue-length.ts'
import { GateStreams } from './gate-streams.ts'
import { MIN_RECONNECT_DELAY_MS, reconnectDelays } from './reconnect-policy.ts'
import { ReconnectTimes } from './reconnect-times.ts'

export interface GateConnectionsDeps {
  /** Where gates find this replica (host:port). */
  address: string
  pressures: NodePressures
  /** Of a ticket's key. */
  podOf: (key: string) => Pod | undefined
  /** The gate is in line no more. */
  onAway: (key: string) => void
  /** When a gate first asked, monotonic ms. */
  askedAtMs: (podUid: string, key: string) => number | undefined
  /** Called for each who waits, with how long it has waited. */
  onWaiting: (row: Waiting, waitedMs: number) => void
  /** Nothing can be granted, so gates must not take our word for contact. */
  isMute: () => boolean
  /** The same of one gate. */
  isQuiet: (key: string) => boolean
  /** Agents that are connected. */
  agents: () => number
  clock: Clock
  /** In [0, 1). */
  random: () => number
}

/** The gates that listen, and what each is told. */
export class GateConnections {
  readonly #deps: GateConnectionsDeps
  readonly #streams = new GateStreams()
  readonly #reconnectTimes = new ReconnectTimes()
  #waiting = new WaitingRows()

  constructor(deps: GateConnectionsDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#streams.size
  }

  /** Of these, such as cost no connection of their own. */
  get shared(): number {
    return this.#streams.shared
  }

  /** Whether nobody has a connection of its own. */
  get areAllShared(): boolean {
    return this.size === this.shared
  }

  open(key: string, stream: Stream): void {
    this.#streams.open(key, stream)
  }

  has(key: string): boolean {
    return this.#streams.has(key)
  }

  /** How long somebody should be away for whom there is no room; `key` names it. */
  awayMs(key: string): number {
    const { clock, random } = this.#deps
    return this.#reconnectTimes.afterMs(key, MIN_RECONNECT_DELAY_MS, { nowMs: clock.monotonicMs(), random })
  }

  /** False when another stream has taken over meanwhile. */
  close(key: string, stream: Stream): boolean {
    return this.#streams.close(key, stream)
  }

  /**
   * Tells those who wait where they are, and people who has waited long: all, or only the gates that were not told yet.
   * Returns whether it was all; it is where one of those is to be judged that cost a connection.
   */
  tell(waiting: WaitingRows, isToAll: boolean): boolean {
    const { clock, isMute } = this.#deps
    const nowMs = clock.monotonicMs()
    this.#waiting = waiting
    if (isMute()) return true
    if (isToAll || this.#streams.hasUntoldConnection()) {
      this.#tellAll(waiting.all(), nowMs)
      return true
    }
    this.tellSome(waiting, [])
    return false
  }

  /** The same to these alone, and to those that were not told yet; for when all are shared, since nobody is judged. */
  tellSome(waiting: WaitingRows, keys: readonly string[]): void {
    const { clock, isMute, onWaiting } = this.#deps
    const nowMs = clock.monotonicMs()
    this.#waiting = waiting
    if (isMute()) return
    const chosen = new Set(keys)
    for (const row of waiting.of(new Set([...chosen, ...this.#streams.untold]))) {
      this.#tellOne(row, undefined, nowMs)
      if (chosen.has(row.key)) onWaiting(row, nowMs - (this.#askedAtMs(row.key) ?? nowMs))
    }
  }

  #tellAll(waiting: readonly Waiting[], nowMs: number): void {
    const { onWaiting, random, agents } = this.#deps
    const isShared = (key: string): boolean => this.#streams.isShared(key)
    const room = { agents: agents(), reconnectTimes: this.#reconnectTimes, nowMs, random, isShared }
    const all = this.areAllShared ? staying(waiting) : reconnectDelays(waiting, room)
    for (const [row, afterMs] of all) {
      this.#tellOne(row, afterMs, nowMs)
      onWaiting(row, nowMs - (this.#askedAtMs(row.key) ?? nowMs))
    }
    this.#askForPressure(waiting, nowMs)
  }

  /** Its grant is being stored. */
  decided(key: string): void {
    this.#streams.decided(key, this.#deps.clock.monotonicMs())
  }

  /** Answers with a grant; tells how long the gate waited and whether it heard it. */
  answer(grant: Grant): { waitedMs: number; answered: boolean } {
    const { key } = grant
    const nowMs = this.#deps.clock.monotonicMs()
    const waitedMs = nowMs - (this.#askedAtMs(key) ?? nowMs)
    const answered = this.#streams.grant(key, isFree(grant) ? undefined : key, nowMs)
    return { waitedMs, answered }
  }

  /** Ends the gate's stream so that it asks anew. */
  askAgain(key: string, reason: string, afterMs = 0): void {
    this.#streams.askAgain(key, reason, afterMs)
  }

  queueLengths(): QueueLength[] {
    return queueLengths(this.#waiting.all(), key => this.#askedAtMs(key), this.#deps.clock.monotonicMs())
  }

  /** To be called about once a second. Who is told in turns within `turnsMs` is left to his turn as long as that. */
  beat(turnsMs = 0): void {
    const { isMute, isQuiet, clock } = this.#deps
    if (!isMute()) this.#streams.beat(clock.monotonicMs(), isQuiet, turnsMs)
  }

  #askedAtMs(key: string): number | undefined {
    return this.#deps.askedAtMs(podUidOf(key), key)
  }

  endAll(message: () => Directions): void {
    this.#streams.endAll(message)
  }

  #tellOne(row: Waiting, afterMs: number | undefined, nowMs: number): void {
    if (this.#deps.isQuiet(row.key)) return
    if (afterMs === undefined) {
      this.#streams.tell(row, nowMs)
      return
    }
    this.#streams.askAgain(row.key, row.reason, afterMs)
    // At once, not when the stream has ended: whoever is away must not be given a slot.
    this.#deps.onAway(row.key)
  }

  #askForPressure(waiting: readonly Waiting[], nowMs: number): void {
    const { pressures, podOf, random, address } = this.#deps
    if (!pressures.isOn) return
    const reporters = waiting.flatMap(({ key }) => {
      const { metadata, spec } = podOf(key) ?? {}
      if (!metadata?.uid || !spec?.nodeName || !this.#streams.has(key) || this.#deps.isQuiet(key)) return []
      // Its node's waiter tells.
      if (this.#streams.isShared(key)) return []
      return [{ key, podUid: metadata.uid, nodeName: spec.nodeName }]
    })
    for (const key of pressures.ask(reporters, nowMs, random)) this.#streams.askPressure(key, address, nowMs)
  }
}

/** Where all wait through waiters, as `reconnectDelays` has it. */
function* staying(waiting: readonly Waiting[]): Iterable<[Waiting, undefined]> {
  for (const row of waiting) yield [row, undefined]
}
