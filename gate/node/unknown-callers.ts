import type { Socket } from 'node:net'

/** Of one address, in the order in which they came. */
interface Callers {
  /** Have not sent their line, or have had their answer. */
  idle: Set<Socket>
  /** Have sent it, and wait for what the API server says of their token. */
  asking: Set<Socket>
}

/**
 * Connections that have shown no good token, at most `most` of one address. Beyond that the oldest goes that asks
 * nothing, else the oldest: some network plugins show all pods of a node under one address, and a pod that opens
 * connections without end must not keep the gates of the others out, which ask at once.
 */
export class UnknownCallers {
  readonly #most: number
  readonly #byAddress = new Map<string, Callers>()

  constructor(most: number) {
    this.#most = most
  }

  /** A new connection, which counts until it is closed or `known`. */
  add(address: string, socket: Socket): { asks: () => void; answered: () => void; known: () => void } {
    const callers = this.#byAddress.get(address) ?? { idle: new Set(), asking: new Set() }
    this.#byAddress.set(address, callers)
    callers.idle.add(socket)
    if (callers.idle.size + callers.asking.size > this.#most) oldestOf(callers)?.destroy()
    const move = (from: Set<Socket>, to: Set<Socket>): void => void (from.delete(socket) && to.add(socket))
    const known = (): void => {
      callers.idle.delete(socket)
      callers.asking.delete(socket)
      if (callers.idle.size + callers.asking.size === 0 && this.#byAddress.get(address) === callers)
        this.#byAddress.delete(address)
    }
    socket.once('close', known)
    return {
      asks: () => move(callers.idle, callers.asking),
      answered: () => move(callers.asking, callers.idle),
      known,
    }
  }
}

/** Takes out the one to close. The newest has only just come, so it is never the idle one. */
function oldestOf({ idle, asking }: Callers): Socket | undefined {
  const from = idle.size > 1 || asking.size === 0 ? idle : asking
  const [oldest] = from
  if (oldest) from.delete(oldest)
  return oldest
}
