import type { Duplex } from 'node:stream'
import type { GateMessage } from '../../../core/lease-api.ts'
import type { LinkFrame } from '../../../core/waiter-api.ts'

/** With more unsent a waiter has not read for a while: what is said again anyway waits. */
const BEHIND_BYTES = 131_072
/**
 * Bytes of one link that wait in this process for the waiter to read: some for each of as many gates as there may be.
 */
const MOST_UNSENT = 1_048_576

/** Writes to one waiter: what is said in one turn of the event loop goes out as one piece. */
export class LinkWriter {
  readonly #socket: Duplex
  #lines: string[] = []
  #beats: number[] = []
  #isDue = false

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  message(id: number, message: GateMessage): void {
    this.#frame({ kind: 'message', id, message })
  }

  refused(id: number, code: string, message: string): void {
    this.#frame({ kind: 'refused', id, error: { code, message } })
  }

  /** The same again. Never before a message that is older: all lines of a turn go before its beats. */
  again(id: number): void {
    this.#beats.push(id)
    this.#flushSoon()
  }

  /** A sign of life, with how often to send figures. */
  beat(figuresMs: number): void {
    this.#frame({ kind: 'beat', ids: [], figuresMs })
  }

  #frame(frame: LinkFrame): void {
    this.#lines.push(`${JSON.stringify(frame)}\n`)
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    const ids = this.#beats
    const lines = this.#lines
    this.#isDue = false
    this.#lines = []
    this.#beats = []
    if (ids.length > 0 && this.#socket.writableLength < BEHIND_BYTES)
      lines.push(`${JSON.stringify({ kind: 'beat', ids } satisfies LinkFrame)}\n`)
    if (lines.length === 0 || !this.#socket.writable) return
    if (this.#socket.writableLength > MOST_UNSENT) this.#socket.destroy()
    else this.#socket.write(lines.join(''))
  }
}

/** Whether a message says what the one before it said. */
export function isSame(before: GateMessage | undefined, message: GateMessage): boolean {
  if (before === message) return true
  if (before?.kind !== 'waiting' || message.kind !== 'waiting') return false
  return (
    before.place === message.place &&
    before.of === message.of &&
    before.reason === message.reason &&
    before.estimateMs === message.estimateMs &&
    before.pressureTo === undefined &&
    message.pressureTo === undefined
  )
}
