import { type GateMessage, HEARTBEAT_MS } from '../../../core/lease-api.ts'
import type { Waiting } from '../model/grant.ts'
import type { Stream } from '../model/stream.ts'
import { type Open, OpenStreams } from './open-streams.ts'

interface Kept {
  latest: GateMessage
  /** Whether `latest` has not been sent yet. */
  isNews: boolean
  decidedAtMs?: number
}

/** A gate is sent its place at most this often: a queue of thousands moves all the time. */
const LEAST_GAP_MS = 1_000
/** Of all streams together; one costs 0.1 ms on either side. Where that is too few, news waits for the heartbeat. */
const MESSAGES_PER_SECOND = 2_000

/** The open answers, one a key. Time comes in as monotonic ms. */
export class GateStreams {
  readonly #open = new OpenStreams<GateMessage, Stream, Kept>('gate')
  /** Of gates that have not been told yet where they are. */
  readonly #untold = new Set<string>()

  get size(): number {
    return this.#open.size
  }

  /** Of these, such as cost no connection of their own. */
  get shared(): number {
    return this.#open.shared
  }

  /** Keys of gates that have come and have not been told yet where they are. */
  get untold(): ReadonlySet<string> {
    return this.#untold
  }

  /** Whether one of these has a connection of its own. */
  hasUntoldConnection(): boolean {
    return this.#untold.values().some(key => !this.isShared(key))
  }

  isShared(key: string): boolean {
    return this.#open.get(key)?.stream.isShared === true
  }

  /** Takes over for a key; the gate's earlier stream, if any, is dead or doubled, and ends. */
  open(key: string, stream: Stream): void {
    this.#untold.add(key)
    this.#open.open(key, stream, { latest: { kind: 'waiting', place: 0, of: 0, reason: 'in line' }, isNews: true })
  }

  /** Forgets a stream that broke; false when another has taken over meanwhile. */
  close(key: string, stream: Stream): boolean {
    const isGone = this.#open.close(key, stream)
    if (isGone) this.#untold.delete(key)
    return isGone
  }

  tell(waiting: Waiting, nowMs: number): void {
    const open = this.#open.get(waiting.key)
    if (!open) return
    if (this.#untold.size > 0) this.#untold.delete(waiting.key)
    const { place, of, reason, estimateMs } = waiting
    const { latest } = open
    // An estimate that moved is no news by itself; the next heartbeat carries it.
    if (latest.kind !== 'waiting' || latest.place !== place || latest.reason !== reason) open.isNews = true
    // What is kept for a while costs the garbage collector more than what goes at once, and there are thousands.
    if (open.isNews || latest.kind !== 'waiting' || latest.of !== of || latest.estimateMs !== estimateMs)
      open.latest = { kind: 'waiting', place, of, reason, ...(estimateMs !== undefined && { estimateMs }) }
    this.#sendIfDue(open, nowMs)
  }

  /** Its turn has come and its grant is being stored: what it was told of its place is no longer so. */
  decided(key: string, nowMs: number): void {
    const open = this.#open.get(key)
    if (!open) return
    open.latest = { kind: 'waiting', place: 0, of: 0, reason: 'its turn has come; the slot is being recorded' }
    open.isNews = true
    open.decidedAtMs = nowMs
  }

  has(key: string): boolean {
    return this.#open.get(key) !== undefined
  }

  /** Asks a gate that waits to tell once, at `address`, what the pressure on its node is. */
  askPressure(key: string, address: string, nowMs: number): void {
    const open = this.#open.get(key)
    if (open?.latest.kind === 'waiting') this.#send(open, { ...open.latest, pressureTo: address }, nowMs)
  }

  /** Ends a key's stream with its grant; false when nobody listens. */
  grant(key: string, lease: string | undefined, nowMs: number): boolean {
    // Most are granted before they are told anything.
    this.#untold.delete(key)
    return this.#open.end(key, ({ stream: { nonce }, decidedAtMs }) => ({
      kind: 'granted',
      nonce,
      ...(lease !== undefined && { lease }),
      ...(decidedAtMs !== undefined && { storedMs: Math.round(nowMs - decidedAtMs) }),
    }))
  }

  /** Ends a key's stream so that its gate asks anew. */
  askAgain(key: string, reason: string, afterMs = 0): void {
    this.#untold.delete(key)
    this.#open.end(key, () => ({ kind: 'retry', afterMs, reason }))
  }

  /**
   * Sends delayed updates and heartbeats, except to gates for which `isQuiet` holds. To be called about once a second.
   * Who is told in turns within `turnsMs` is left to his turn for as long.
   */
  beat(nowMs: number, isQuiet: (key: string) => boolean = () => false, turnsMs = 0): void {
    const gapMs = this.#newsGapMs()
    for (const [key, open] of this.#open.entries())
      if (this.#isDue(open, nowMs - turnsMs, gapMs) && !isQuiet(key)) this.#send(open, open.latest, nowMs)
  }

  /** Ends all, each with what `message` makes of it. */
  endAll(message: () => GateMessage): void {
    this.#untold.clear()
    this.#open.endAll(message)
  }

  #sendIfDue(open: Open<Stream, Kept>, nowMs: number): void {
    if (this.#isDue(open, nowMs, this.#newsGapMs())) this.#send(open, open.latest, nowMs)
  }

  #newsGapMs(): number {
    const gapMs = Math.max(LEAST_GAP_MS, (this.#open.size * 1_000) / MESSAGES_PER_SECOND)
    return Math.min(gapMs, HEARTBEAT_MS)
  }

  #isDue(open: Open<Stream, Kept>, nowMs: number, newsGapMs: number): boolean {
    return this.#open.isDue(open, nowMs, open.isNews ? newsGapMs : HEARTBEAT_MS)
  }

  #send(open: Open<Stream, Kept>, message: GateMessage, nowMs: number): void {
    this.#open.send(open, message, nowMs)
    open.isNews = false
  }
}
