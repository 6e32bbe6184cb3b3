import type { Ticket } from './model.ts'

/** The tickets whose gates are connected. */
export class Asking {
  readonly #byKey = new Map<string, Ticket>()
  readonly #keysByPod = new Map<string, Set<string>>()

  add(ticket: Ticket): void {
    this.#byKey.set(ticket.key, ticket)
    this.#keysByPod.set(ticket.podUid, (this.#keysByPod.get(ticket.podUid) ?? new Set()).add(ticket.key))
  }

  remove(key: string): void {
    const podUid = this.#byKey.get(key)?.podUid ?? ''
    const keys = this.#keysByPod.get(podUid)
    this.#byKey.delete(key)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysByPod.delete(podUid)
  }

  removePod(podUid: string): void {
    for (const key of this.#keysByPod.get(podUid) ?? []) this.remove(key)
  }

  tickets(): Ticket[] {
    return [...this.#byKey.values()]
  }
}
