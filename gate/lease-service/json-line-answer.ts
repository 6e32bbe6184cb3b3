import type { FastifyReply } from 'fastify'

/** An answer of JSON lines that stays open; what is sent after its end goes nowhere. */
export interface JsonLineAnswer<T> {
  send(message: T): void
  /** Sends a last message and ends. */
  end(message: T): void
  /** False once it has ended or the other side has hung up. */
  isOpen(): boolean
  /** Serves the stream that `connect` takes; what it returns is called when the other side hangs up, also if that was meanwhile. */
  serve(connect: () => Promise<() => void>): Promise<void>
}

/** Nothing is written before the first message, so a request may still be refused until then. */
export function jsonLineAnswer<T>(reply: FastifyReply): JsonLineAnswer<T> {
  const { raw } = reply
  let isOpen = true
  const write = (message: T): void => {
    if (!raw.headersSent) raw.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' })
    raw.write(`${JSON.stringify(message)}\n`)
  }
  return {
    isOpen: () => isOpen && !raw.destroyed,
    send: message => void (isOpen && write(message)),
    end: message => {
      if (!isOpen) return
      isOpen = false
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
