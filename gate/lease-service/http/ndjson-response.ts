import type { FastifyReply } from 'fastify'

/** An answer of JSON lines that stays open; what is sent after its end goes nowhere. */
export interface JsonLineAnswer<T> {
  send(message: T): void
  /** Sends a last message and ends. */
  end(message: T): void
  /** False once it has ended or the other side has hung up. */
  isOpen(): boolean
  /**
   * Serves the stream that `connect` takes; what it returns is called when the other side hangs up, also if that was
   * meanwhile.
   */
  serve(connect: () => Promise<() => void>): Promise<void>
}

/** Bytes of one answer that wait in this process for a client to read. An agent's longest message has fewer. */
export const MOST_UNSENT = 262_144
/** With more unsent than some messages of one moment have, the client has not read for a while. */
const BEHIND_BYTES = 4_096
/** A later message of the same kind says all that these do. */
const REPEATED: ReadonlySet<string> = new Set(['waiting', 'heartbeat'])
/**
 * So many of those are left out for a client that does not read; then it is taken for dead. One comes each second to
 * five.
 */
const MOST_LEFT_OUT = 12

/**
 * Nothing is written before the first message, so a request may still be refused until then. Who does not read is not
 * sent what is said again anyway, and is hung up on when that goes on or too much else lies unsent.
 */
export function jsonLineAnswer<T extends { kind: string }>(reply: FastifyReply): JsonLineAnswer<T> {
  const { raw } = reply
  let isOpen = true
  let leftOut = 0
  /** False when there is nothing to be written now. */
  const makesSense = ({ kind }: T): boolean => {
    const isBehind = raw.writableLength > BEHIND_BYTES
    if (!isBehind) leftOut = 0
    if (!isBehind || !REPEATED.has(kind)) return raw.writableLength <= MOST_UNSENT || hangUpOn()
    leftOut++
    return leftOut > MOST_LEFT_OUT && hangUpOn()
  }
  const hangUpOn = (): false => {
    isOpen = false
    raw.destroy()
    return false
  }
  const write = (message: T): void => {
    if (!raw.headersSent) raw.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' })
    raw.write(`${JSON.stringify(message)}\n`)
  }
  return {
    isOpen: () => isOpen && !raw.destroyed,
    send: message => void (isOpen && makesSense(message) && write(message)),
    end: message => {
      if (!isOpen) return
      isOpen = false
      // It would never end for one who does not read.
      if (raw.writableLength > MOST_UNSENT) return void raw.destroy()
      write(message)
      raw.end()
    },
    serve: async connect => {
      // Listened for before anything is awaited, or one who hangs up meanwhile would be kept for ever.
      let hangUp = (): void => undefined
      raw.on('close', () => {
        isOpen = false
        hangUp()
      })
      hangUp = await connect()
      if (raw.destroyed) hangUp()
      reply.hijack()
    },
  }
}
