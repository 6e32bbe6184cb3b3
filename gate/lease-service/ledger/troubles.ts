import type { Grant, Ticket } from '../model/grant.ts'
import { reasonOfError, type Trouble } from '../model/trouble.ts'
import type { StoreFailure } from '../store/store-failure.ts'
import type { SetAsides } from './set-asides.ts'

/** What fails for single pods, so that all others go on. */
export class Troubles {
  readonly #setAsides: SetAsides
  #news: Trouble[] = []

  constructor(setAsides: SetAsides) {
    this.#setAsides = setAsides
  }

  /** What `act` makes of a ticket; a ticket on which it fails is set aside. */
  guard<T>(ticket: Ticket, nowMs: number, act: () => T): T | undefined {
    try {
      return act()
    } catch (error) {
      this.#setAsides.add(ticket, { kind: 'error', reason: reasonOfError(error) }, nowMs)
      this.note(ticket.podUid, error)
      return undefined
    }
  }

  note(podUid: string, error: unknown): void {
    this.#news.push({ podUid, kind: 'error', reason: reasonOfError(error) })
  }

  /** Its Lease could not be stored: it is tried again after a while. */
  notStored(grant: Grant, { kind, reason }: StoreFailure, nowMs: number): void {
    if (kind === 'refused') this.#news.push({ podUid: grant.podUid, kind: 'refused', reason })
    this.#setAsides.add(grant, { kind, reason: `its Lease could not be stored: ${reason}` }, nowMs)
  }

  /** What came to light since this was called last. */
  take(): Trouble[] {
    return this.#news.splice(0)
  }
}
