import type { EventFacts } from './event.ts'

export interface QueueLimits {
  /** Events waiting to be sent; more are dropped. */
  capacity: number
  /** An Event said again within this time is only counted. */
  repeatMs: number
  perSecond: number
  burst: number
  /** Tries at sending one Event, the first included. */
  attempts: number
}

export const QUEUE_LIMITS: QueueLimits = { capacity: 1_000, repeatMs: 600_000, perSecond: 20, burst: 50, attempts: 4 }

export interface QueuedEvent {
  facts: EventFacts
  attempt: number
  notBeforeMs: number
}

export type QueueStep = { kind: 'send'; event: QueuedEvent } | { kind: 'wait'; ms: number } | { kind: 'empty' }

/** Remembered repeats; the oldest are forgotten first, at worst an Event is said twice. */
const MAX_REMEMBERED = 5_000
const RETRY_MS = 500

/** Which Event is sent when: bounded, deduplicated, at a limited rate. Times in monotonic ms. */
export class EventQueue {
  readonly #limits: QueueLimits
  readonly #waiting: QueuedEvent[] = []
  readonly #saidAtMs = new Map<string, number>()
  #tokens: number
  #tokensAtMs = -Infinity

  constructor(limits: QueueLimits = QUEUE_LIMITS) {
    this.#limits = limits
    this.#tokens = limits.burst
  }

  add(facts: EventFacts, nowMs: number): 'queued' | 'repeated' | 'dropped' {
    const { regarding, reason, note, id } = facts
    const { kind, namespace, name, uid } = regarding
    const key = JSON.stringify([kind, namespace, name, uid, reason, id ?? note])
    const saidAtMs = this.#saidAtMs.get(key)
    if (saidAtMs !== undefined && nowMs - saidAtMs < this.#limits.repeatMs) return 'repeated'
    if (this.#waiting.length >= this.#limits.capacity) return 'dropped'
    this.#saidAtMs.delete(key)
    this.#saidAtMs.set(key, nowMs)
    const oldest = this.#saidAtMs.keys().next()
    if (this.#saidAtMs.size > MAX_REMEMBERED && !oldest.done) this.#saidAtMs.delete(oldest.value)
    this.#waiting.push({ facts, attempt: 1, notBeforeMs: nowMs })
    return 'queued'
  }

  /** Takes the next Event that is due, if the rate allows one. */
  next(nowMs: number): QueueStep {
    const soonest = Math.min(...this.#waiting.map(event => event.notBeforeMs))
    if (soonest === Infinity) return { kind: 'empty' }
    if (soonest > nowMs) return { kind: 'wait', ms: soonest - nowMs }
    const { perSecond, burst } = this.#limits
    const earned = this.#tokensAtMs === -Infinity ? 0 : ((nowMs - this.#tokensAtMs) * perSecond) / 1000
    this.#tokens = Math.min(burst, this.#tokens + earned)
    this.#tokensAtMs = nowMs
    if (this.#tokens < 1) return { kind: 'wait', ms: Math.ceil(((1 - this.#tokens) * 1000) / perSecond) }
    this.#tokens -= 1
    const [event] = this.#waiting.splice(
      this.#waiting.findIndex(({ notBeforeMs }) => notBeforeMs <= nowMs),
      1,
    )
    return event ? { kind: 'send', event } : { kind: 'empty' }
  }

  /** Puts a failed Event back behind the others, later each time; false when it has had its tries. */
  retry(event: QueuedEvent, nowMs: number): boolean {
    if (event.attempt >= this.#limits.attempts || this.#waiting.length >= this.#limits.capacity) return false
    const notBeforeMs = nowMs + RETRY_MS * 4 ** (event.attempt - 1)
    this.#waiting.push({ ...event, attempt: event.attempt + 1, notBeforeMs })
    return true
  }
}
