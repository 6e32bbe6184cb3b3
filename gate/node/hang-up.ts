import type { Socket } from 'node:net'

/** For a gate that neither takes the end of our side nor ends its own. */
const END_MS = 5_000

/** Ends a connection with what has been written, or without it where the other side does not read. */
export function hangUp(socket: Socket): void {
  socket.end()
  const timer = setTimeout(() => socket.destroy(), END_MS)
  socket.once('close', () => clearTimeout(timer))
}
