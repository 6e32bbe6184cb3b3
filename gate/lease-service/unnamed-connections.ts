import type { Server, Socket } from 'node:net'

/** Connections in front of their handshake: a herd of ten thousand, less those who are being served. One costs a few KiB. */
export const MAX_WAITING = 8_000
/** Connections that have begun and not shown a good token yet. One costs some 60 KiB. */
export const MAX_BEGUN = 2_000
/** Within so long one that has begun is not closed for another: what was spent on it would have to be spent again. */
export const FAIR_TIME_MS = 5_000
/**
 * Handshakes and requests under way at once. One takes 1 to 2 ms of this process, so that all which have something to say in one turn of
 * the event loop keep nothing else waiting for long, least of all a renewal of the leadership.
 */
const TURNS = 128
/** A slow peer keeps its connection, but no longer its turn. */
const TURN_MS = 250
/** One that says nothing goes. Enough for a busy node. Who has spoken waits as long as it likes. */
const SILENCE_MS = 10_000
/** A first message of TLS is at most a few KiB; one who says more before its turn is not listened to until then. */
const MOST_BYTES_BEFORE_TURN = 16_384

export interface UnnamedConnections {
  /** The connection has shown who it is; from here on it counts no more. */
  named(socket: Socket): void
  count(): number
}

export interface UnnamedLimits {
  waiting?: number
  begun?: number
  turns?: number
  turnMs?: number
  monotonicMs?: () => number
}

interface Connection {
  socket: Socket
  peer: string
  /** What it said before its turn. */
  said: Buffer[]
  begin: () => void
  begunMs: number
  /** While it has its turn. */
  turn?: NodeJS.Timeout
}

/** Keeps those few connections that have not said who they are, and lets few of these be served at once. To be made before anything else listens to `server`'s connections but its own protocol. */
export function limitUnnamed(server: Server, limits: UnnamedLimits = {}): UnnamedConnections {
  const unnamed = new Unnamed(limits)
  // The protocol's, which would begin the handshake at once.
  const listeners = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) =>
    unnamed.take(socket, () => {
      for (const listener of listeners) listener.call(server, socket)
    }),
  )
  return unnamed
}

/**
 * The newest is served first: who has waited for long may have given up, and a probe of the kubelet gets through a herd. One too many
 * that waits, and the oldest that has said nothing is closed, as it is the least likely to be a gate's, else the oldest; its gate tries again, and nothing was
 * spent on it. Not a limit for each address: all gates of a node, or of a cluster, may come from one (SNAT).
 */
class Unnamed implements UnnamedConnections {
  // By the peer's address, since a request shows the TLS socket and `connection` the TCP socket below it. A Map keeps
  // insertion order: the first is the oldest.
  readonly #silent = new Map<string, Connection>()
  readonly #waiting = new Map<string, Connection>()
  readonly #begun = new Map<string, Connection>()
  /** Who waits, the newest last; some have gone. */
  #stack: Connection[] = []
  readonly #limits: Required<UnnamedLimits>
  #turns = 0

  constructor(limits: UnnamedLimits) {
    const monotonicMs = () => performance.now()
    this.#limits = { waiting: MAX_WAITING, begun: MAX_BEGUN, turns: TURNS, turnMs: TURN_MS, monotonicMs, ...limits }
  }

  count(): number {
    return this.#silent.size + this.#waiting.size + this.#begun.size
  }

  named(socket: Socket): void {
    this.#forget(peerOf(socket))
  }

  take(socket: Socket, begin: () => void): void {
    const connection: Connection = { socket, peer: peerOf(socket), said: [], begin, begunMs: 0 }
    this.#silent.set(connection.peer, connection)
    socket.on('error', () => socket.destroy())
    socket.setTimeout(SILENCE_MS, () => socket.destroy())
    socket.once('close', () => this.#forget(connection.peer, socket))
    socket.on('data', (chunk: Buffer) => this.#hear(connection, chunk))
    if (this.#silent.size + this.#waiting.size <= this.#limits.waiting) return
    const [oldest] = [...this.#silent.values().take(1), ...this.#waiting.values().take(1)].filter(c => c !== connection)
    this.#close(oldest ?? connection)
  }

  #hear(connection: Connection, chunk: Buffer): void {
    const { socket, peer, said } = connection
    said.push(chunk)
    if (socket.bytesRead > MOST_BYTES_BEFORE_TURN) socket.pause()
    if (!this.#silent.delete(peer)) return
    socket.setTimeout(0)
    this.#waiting.set(peer, connection)
    if (this.#stack.length > 2 * this.#limits.waiting) this.#stack = [...this.#waiting.values()]
    else this.#stack.push(connection)
    this.#serve()
  }

  #serve(): void {
    while (this.#turns < this.#limits.turns && this.#waiting.size > 0 && this.#hasRoomToBegin()) {
      const newest = this.#stack.pop()
      if (!newest) return
      if (this.#waiting.get(newest.peer) === newest) this.#begin(newest)
    }
  }

  #hasRoomToBegin(): boolean {
    const { begun, monotonicMs } = this.#limits
    const [oldest] = this.#begun.values()
    if (!oldest || this.#begun.size < begun) return true
    if (monotonicMs() - oldest.begunMs < FAIR_TIME_MS) return false
    this.#begun.delete(oldest.peer)
    this.#endTurn(oldest)
    oldest.socket.destroy()
    return true
  }

  #begin(connection: Connection): void {
    const { socket, peer, said } = connection
    this.#waiting.delete(peer)
    this.#begun.set(peer, connection)
    this.#turns++
    connection.begunMs = this.#limits.monotonicMs()
    connection.turn = setTimeout(() => {
      this.#endTurn(connection)
      this.#serve()
    }, this.#limits.turnMs)
    socket.removeAllListeners('data').pause()
    socket.unshift(Buffer.concat(said.splice(0)))
    connection.begin()
  }

  #endTurn(connection: Connection): void {
    if (!connection.turn) return
    clearTimeout(connection.turn)
    delete connection.turn
    this.#turns--
  }

  #close(connection: Connection): void {
    this.#forget(connection.peer)
    connection.socket.destroy()
  }

  /** `only`: unless another connection has the address by now. */
  #forget(peer: string, only?: Socket): void {
    const begun = this.#begun.get(peer)
    const known = begun ?? this.#silent.get(peer) ?? this.#waiting.get(peer)
    if (!known || (only && known.socket !== only)) return
    for (const state of [this.#silent, this.#waiting, this.#begun]) state.delete(peer)
    if (!begun) return
    this.#endTurn(begun)
    this.#serve()
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
