import type { Told } from './term-events.ts'

/** The event that named the stream said of which kind it is, a gate's or an agent's, and so is what it is sent. */
export function sendTo({ stream, message }: Told): void {
  stream.send(message as never)
}

/** Sends the last message of a stream. */
export function endStream({ stream, message }: Told): void {
  stream.end(message as never)
}
