import { HEARTBEAT_MS } from '../../../core/lease-api.ts'
import type { Directions } from '../model/stream.ts'

/** What gates' and agents' streams have in common. */
interface Ending<M> {
  send(message: M): void
  /** Sends a last message and ends. */
  end(message: M | Directions): void
  isShared?: boolean
}

/** One open answer, and what its kind keeps beside it. */
export type Open<S, Kept> = { readonly stream: S; sentAtMs: number } & Kept

/**
 * The open answers to all gates or to all agents: one a key, in the order in which they came. Time comes in as
 * monotonic ms.
 */
export class OpenStreams<M, S extends Ending<M>, Kept extends object> {
  readonly #caller: string
  readonly #open = new Map<string, Open<S, Kept>>()
  #shared = 0

  /** `caller`: who is answered, for what an earlier stream of the same key is told. */
  constructor(caller: 'gate' | 'agent') {
    this.#caller = caller
  }

  get size(): number {
    return this.#open.size
  }

  /** Of these, such as cost no connection of their own. */
  get shared(): number {
    return this.#shared
  }

  /** Takes over for a key; the earlier stream, if any, is dead or doubled, and ends. */
  open(key: string, stream: S, kept: Kept): void {
    const reason = `another connection of this ${this.#caller} took over`
    this.end(key, () => ({ kind: 'retry', afterMs: 1_000, reason }))
    if (stream.isShared) this.#shared++
    this.#open.set(key, { stream, sentAtMs: Number.NEGATIVE_INFINITY, ...kept })
  }

  get(key: string): Open<S, Kept> | undefined {
    return this.#open.get(key)
  }

  entries(): Iterable<[string, Open<S, Kept>]> {
    return this.#open
  }

  /** Forgets a stream that broke; false when another has taken over meanwhile. */
  close(key: string, stream: S): boolean {
    return this.#open.get(key)?.stream === stream && this.#delete(key)
  }

  /** Forgets a stream that nobody listens to any more. */
  forget(key: string): void {
    this.#delete(key)
  }

  send(open: Open<S, Kept>, message: M, nowMs: number): void {
    open.stream.send(message)
    open.sentAtMs = nowMs
  }

  /** Whether something should be said because nothing was for `gapMs`. */
  isDue({ sentAtMs }: Open<S, Kept>, nowMs: number, gapMs: number = HEARTBEAT_MS): boolean {
    return nowMs - sentAtMs >= gapMs
  }

  /** Ends a key's stream with a last message; false when nobody listens. */
  end(key: string, message: (open: Open<S, Kept>) => M | Directions): boolean {
    const open = this.#open.get(key)
    if (!open) return false
    this.#delete(key)
    open.stream.end(message(open))
    return true
  }

  endAll(message: () => M | Directions): void {
    for (const { stream } of this.#open.values()) stream.end(message())
    this.#open.clear()
    this.#shared = 0
  }

  #delete(key: string): boolean {
    if (this.#open.get(key)?.stream.isShared) this.#shared--
    return this.#open.delete(key)
  }
}
