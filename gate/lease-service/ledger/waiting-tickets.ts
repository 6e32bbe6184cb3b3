import type { Ticket } from '../model/grant.ts'
import { LatestRuns } from '../model/latest-runs.ts'
import { compareTickets } from '../queue/compare-tickets.ts'

/** The tickets whose gates are connected, and since when each has asked, with breaks or without. */
export class WaitingTickets {
  readonly #byKey = new Map<string, Ticket>()
  readonly #keysByPod = new Map<string, readonly string[]>()
  readonly #sinceMs = new LatestRuns<number>()
  /** Of the last look. */
  #sorted: Ticket[] = []
  readonly #added = new Set<string>()
  /** Since the last look. */
  readonly #gone = new Set<Ticket>()

  /** Keys of the pod's other runs: its init containers run once at a time, so those runs have ended. */
  otherRuns({ podUid, attempt }: Ticket): string[] {
    const keys = this.#keysByPod.get(podUid) ?? []
    return keys.filter(key => this.#byKey.get(key)?.attempt !== attempt)
  }

  /** Drops the tickets of the pod's other runs: only the run that asked last still exists. */
  add(ticket: Ticket, nowMs: number): void {
    for (const key of this.otherRuns(ticket)) this.remove(key)
    this.#sinceMs.set(ticket, this.#sinceMs.get(ticket) ?? nowMs)
    const before = this.#byKey.get(ticket.key)
    if (before) this.#gone.add(before)
    this.#byKey.set(ticket.key, ticket)
    this.#added.add(ticket.key)
    if (!before) this.#keysByPod.set(ticket.podUid, [...(this.#keysByPod.get(ticket.podUid) ?? []), ticket.key])
  }

  remove(key: string): void {
    const ticket = this.#byKey.get(key)
    if (!ticket) return
    this.#gone.add(ticket)
    const { podUid } = ticket
    this.#byKey.delete(key)
    const left = this.#keysByPod.get(podUid)?.filter(each => each !== key) ?? []
    if (left.length === 0) this.#keysByPod.delete(podUid)
    else this.#keysByPod.set(podUid, left)
  }

  ofPod(podUid: string): Ticket[] {
    return (this.#keysByPod.get(podUid) ?? []).flatMap(key => this.#byKey.get(key) ?? [])
  }

  hasPod(podUid: string): boolean {
    return this.#keysByPod.has(podUid)
  }

  sinceMs(ticket: Pick<Ticket, 'podUid' | 'key'>): number | undefined {
    return this.#sinceMs.get(ticket)
  }

  removePod(podUid: string): void {
    this.#sinceMs.removePod(podUid)
    for (const key of this.#keysByPod.get(podUid) ?? []) this.remove(key)
  }

  /**
   * In the order of `compareTickets`. Those of the last look stay sorted, so only who has come since costs anything.
   */
  tickets(): Ticket[] {
    if (this.#added.size + this.#gone.size === 0) return this.#sorted
    const stayed = this.#sorted.filter(ticket => !this.#gone.has(ticket))
    const added = [...this.#added].flatMap(key => this.#byKey.get(key) ?? [])
    this.#added.clear()
    this.#gone.clear()
    this.#sorted = added.length === 0 ? stayed : [...stayed, ...added].sort(compareTickets)
    return this.#sorted
  }
}
