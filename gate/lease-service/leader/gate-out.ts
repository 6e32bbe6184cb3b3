import type { GateMessage } from '../../../core/lease-api.ts'
import type { Stream } from '../model/stream.ts'
import type { TermEffect } from './term-events.ts'

/** A gate's stream as the parts of a term know it: what is sent becomes an effect. One a gate, so it is small. */
export class GateOut implements Stream {
  /** Of the gate's ticket. */
  readonly key: string
  readonly #term: { effects: TermEffect[] }
  readonly #stream: Stream

  constructor(term: { effects: TermEffect[] }, stream: Stream, key: string) {
    this.#term = term
    this.#stream = stream
    this.key = key
  }

  get nonce(): string {
    return this.#stream.nonce
  }

  get isShared(): boolean {
    return this.#stream.isShared === true
  }

  isOpen(): boolean {
    return this.#stream.isOpen()
  }

  send(message: GateMessage): void {
    this.#term.effects.push({ kind: 'send', to: { stream: this.#stream, message } })
  }

  end(message: GateMessage): void {
    this.#term.effects.push({ kind: 'end', to: { stream: this.#stream, message } })
  }
}
