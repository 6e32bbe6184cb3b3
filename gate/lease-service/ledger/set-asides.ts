import { earliest } from '../../../core/earliest.ts'
import { podUidOf, type Ticket, type Waiting } from '../model/grant.ts'
import type { SetAsideKind } from '../model/trouble.ts'

interface SetAside {
  kind: SetAsideKind
  reason: string
  failures: number
  untilMs: number
}

const FIRST_MS = 1_000
const LONGEST_MS = 60_000
/** Of a pod, whose stages are many, and which may claim run after run. */
const MAX_KEYS = 100
/**
 * Tickets that are not decided on for a while, each for reasons of its own, so that all others go on. Times are
 * monotonic ms.
 */
export class SetAsides {
  readonly #byPod = new Map<string, Map<string, SetAside>>()

  /** Waits longer each time, but for what is not the ticket's own fault. */
  add(
    { podUid, key }: Pick<Ticket, 'podUid' | 'key'>,
    { kind, reason }: Pick<SetAside, 'kind' | 'reason'>,
    nowMs: number,
  ): void {
    const ofPod = this.#byPod.get(podUid) ?? new Map<string, SetAside>()
    const before = ofPod.get(key)
    const failures = isOwn(kind) ? (before?.failures ?? 0) + 1 : 1
    const isFirstChange = kind === 'changed' && !before
    const waitMs = isFirstChange ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1))
    ofPod.delete(key)
    ofPod.set(key, { kind, reason, failures, untilMs: nowMs + waitMs })
    for (const oldest of ofPod.keys()) if (ofPod.size > MAX_KEYS) ofPod.delete(oldest)
    this.#byPod.set(podUid, ofPod)
  }

  /** It was dealt with. */
  remove({ podUid, key }: Pick<Ticket, 'podUid' | 'key'>): void {
    const ofPod = this.#byPod.get(podUid)
    ofPod?.delete(key)
    if (ofPod?.size === 0) this.#byPod.delete(podUid)
  }

  /** It was decided on after all. Whether its Lease can be stored shows when it is. */
  decided(ticket: Pick<Ticket, 'podUid' | 'key'>): void {
    if (this.#byPod.size === 0) return
    if (this.#byPod.get(ticket.podUid)?.get(ticket.key)?.kind === 'error') this.remove(ticket)
  }

  removePod(podUid: string): void {
    this.#byPod.delete(podUid)
  }

  /** Why a ticket must wait now; undefined when it may be tried. */
  waiting({ podUid, key, resource }: Ticket, nowMs: number): Pick<Waiting, 'cause' | 'reason'> | undefined {
    const found = this.#of(podUid, key)
    if (!found || found.untilMs <= nowMs) return undefined
    return { cause: 'set-aside', reason: `${resource}: tried again soon, since ${found.reason}` }
  }

  /**
   * Whether its gate is sent nothing, not even heartbeats, so that it fails open in its time: the fault is ours and may
   * last. It holds until the ticket has been dealt with, also past `untilMs`, or each new try would restart that time.
   */
  isQuiet(key: string): boolean {
    const found = this.#byPod.size === 0 ? undefined : this.#of(podUidOf(key), key)
    return found !== undefined && isOwn(found.kind)
  }

  /** Mostly there is none, and there are many who ask. */
  #of(podUid: string, key: string): SetAside | undefined {
    return this.#byPod.size === 0 ? undefined : this.#byPod.get(podUid)?.get(key)
  }

  /** When the next one may be tried again. */
  wakeAtMs(nowMs: number): number | undefined {
    let wakeAtMs: number | undefined
    for (const ofPod of this.#byPod.values())
      for (const { untilMs } of ofPod.values()) if (untilMs > nowMs) wakeAtMs = earliest(wakeAtMs, untilMs)
    return wakeAtMs
  }
}

function isOwn(kind: SetAsideKind): boolean {
  return kind === 'error' || kind === 'refused'
}
