import type { GateMessage } from '../../../core/lease-api.ts'
import { isLast } from '../../../core/waiter-api.ts'
import type { PodIdentity } from '../model/refusal.ts'
import type { Stream } from '../model/stream.ts'
import { isSame, type LinkWriter } from './link-writer.ts'

/** What the gates of one link have in common. */
export interface LinkOwner {
  writer: LinkWriter
  isOpen: (gate: LinkGate) => boolean
  /** `wasLast`: what it was told last ends it on the other side too. */
  ended: (gate: LinkGate, wasLast: boolean) => void
}

/** One gate on the link of its node's waiter. There are ten thousands of them, so it is small. */
export class LinkGate implements Stream {
  readonly id: number
  readonly identity: PodIdentity
  readonly nonce: string
  readonly #owner: LinkOwner
  #latest: GateMessage | undefined
  #hangUp: (() => void) | undefined
  #hasLeft = false

  constructor(id: number, { identity, nonce }: { identity: PodIdentity; nonce: string }, owner: LinkOwner) {
    this.id = id
    this.identity = identity
    this.nonce = nonce
    this.#owner = owner
  }

  get isShared(): true {
    return true
  }

  isOpen(): boolean {
    return this.#owner.isOpen(this)
  }

  send(message: GateMessage): void {
    if (this.isOpen()) this.#say(message)
  }

  end(message: GateMessage): void {
    if (!this.isOpen()) return
    this.#say(message)
    this.#owner.ended(this, isLast(message))
  }

  /** It is in line; `hangUp` takes it out again. */
  connected(hangUp: () => void): void {
    this.#hangUp = hangUp
    if (this.#hasLeft) hangUp()
  }

  /** To be called when the link has it no more and it did not end. */
  leave(): void {
    this.#hasLeft = true
    this.#hangUp?.()
  }

  #say(message: GateMessage): void {
    if (isSame(this.#latest, message)) this.#owner.writer.again(this.id)
    else this.#owner.writer.message(this.id, message)
    this.#latest = message
  }
}
