import type { Server, Socket } from 'node:net'
import { peerOf } from '../../../core/connection-limit.ts'
import { nextConnection } from './connection-fairness.ts'

/**
 * Connections in front of their handshake: a herd of ten thousand, less those who are being served. One costs a few
 * KiB.
 */
export const MAX_WAITING = 8_000
/**
 * Connections whose handshake or request is under way and that have not shown a good token yet. One costs some 60 KiB.
 */
const MAX_BEGUN = 2_000
/**
 * A connection that began less than this ago is not closed for one of an address with as many: the work spent on it
 * would be lost.
 */
export const FAIR_TIME_MS = 5_000
/**
 * Handshakes and requests under way at once. One takes 1 to 2 ms of this process, so that all which have something to
 * say in one turn of the event loop keep nothing else waiting for long, least of all a renewal of the leadership.
 */
const TURNS = 128
/** A slow peer keeps its connection, but no longer its turn. */
const TURN_MS = 250
/** One that says nothing goes. Enough for a busy node. Who has spoken waits as long as it likes. */
const SILENCE_MS = 10_000
/** A first message of TLS is at most a few KiB; one who says more before its turn is not listened to until then. */
const MOST_BYTES_BEFORE_TURN = 16_384

export interface UnauthenticatedConnections {
  /** The connection has shown a good token; from here on it counts no more. */
  authenticated(socket: Socket): void
  count(): number
}

export interface UnauthenticatedLimits {
  waiting?: number
  begun?: number
  turns?: number
  turnMs?: number
  silenceMs?: number
  monotonicMs?: () => number
}

interface Connection {
  socket: Socket
  /** Address and port. */
  peer: string
  address: string
  /** What it said before its turn. */
  said: Buffer[]
  begin: () => void
  begunMs: number
  /** While it has its turn. */
  turn?: NodeJS.Timeout
}

/**
 * Bounds the connections to `server` that have not shown a good token yet, and how many of them are served at once. To
 * be called before anything but the server's own protocol listens to its connections.
 */
export function limitUnauthenticated(server: Server, limits: UnauthenticatedLimits = {}): UnauthenticatedConnections {
  const unauthenticated = new Unauthenticated(limits)
  // The protocol's, which would begin the handshake at once.
  const listeners = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) =>
    unauthenticated.take(socket, () => {
      for (const listener of listeners) listener.call(server, socket)
    }),
  )
  return unauthenticated
}

/**
 * The newest connection is served first: one that has waited for long may have been given up, and a probe of the
 * kubelet gets through a herd. When the waiting limit is exceeded, the oldest connection that has sent no data is
 * closed; if all have sent data, the oldest. Its gate tries again, and nothing was spent on it. There is no limit for
 * each address, since all gates of a node, or of a cluster, may come from one (SNAT); but an address of which fewer
 * connections have begun comes first, and takes the place of one of which more have, so that a single pod keeps nobody
 * out.
 */
class Unauthenticated implements UnauthenticatedConnections {
  // By the peer's address, since a request shows the TLS socket and `connection` the TCP socket below it. A Map keeps
  // insertion order: the first is the oldest.
  readonly #silent = new Map<string, Connection>()
  readonly #waiting = new Map<string, Connection>()
  readonly #begun = new Map<string, Connection>()
  /** By address, how many have begun. */
  readonly #begunOf = new Map<string, number>()
  /** Who waits, the newest last; some have gone. */
  #stack: Connection[] = []
  readonly #limits: Required<UnauthenticatedLimits>
  #turns = 0

  constructor(limits: UnauthenticatedLimits) {
    const standard = { waiting: MAX_WAITING, begun: MAX_BEGUN, turns: TURNS, turnMs: TURN_MS, silenceMs: SILENCE_MS }
    this.#limits = { ...standard, monotonicMs: () => performance.now(), ...limits }
  }

  count(): number {
    return this.#silent.size + this.#waiting.size + this.#begun.size
  }

  authenticated(socket: Socket): void {
    this.#forget(peerOf(socket))
  }

  take(socket: Socket, begin: () => void): void {
    const address = socket.remoteAddress ?? ''
    const connection: Connection = { socket, peer: peerOf(socket), address, said: [], begin, begunMs: 0 }
    this.#silent.set(connection.peer, connection)
    socket.on('error', () => socket.destroy())
    socket.setTimeout(this.#limits.silenceMs, () => socket.destroy())
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
    const waits = (c: Connection) => this.#waiting.get(c.peer) === c
    const begunOf = (address: string) => this.#begunOf.get(address) ?? 0
    while (this.#turns < this.#limits.turns) {
      for (let top = this.#stack.at(-1); top && !waits(top); top = this.#stack.at(-1)) this.#stack.pop()
      const next = nextConnection(this.#stack, { waits, begunOf })
      if (!next || !this.#makeRoomFor(next)) return
      this.#begin(next)
    }
  }

  /** Among those that have begun; false when there is none yet. */
  #makeRoomFor({ address }: Connection): boolean {
    const { begun, monotonicMs } = this.#limits
    const [oldest] = this.#begun.values()
    if (!oldest || this.#begun.size < begun) return true
    const [most, count] = mostOf(this.#begunOf)
    if (count > (this.#begunOf.get(address) ?? 0) + 1) {
      const its = this.#begun.values().find(c => c.address === most)
      if (its) this.#close(its)
      return true
    }
    if (monotonicMs() - oldest.begunMs < FAIR_TIME_MS) return false
    this.#close(oldest)
    return true
  }

  #begin(connection: Connection): void {
    const { socket, peer, address, said } = connection
    this.#waiting.delete(peer)
    this.#begun.set(peer, connection)
    this.#begunOf.set(address, (this.#begunOf.get(address) ?? 0) + 1)
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
    this.#remove(connection)
    connection.socket.destroy()
  }

  /** `only`: unless another connection has the address by now. */
  #forget(peer: string, only?: Socket): void {
    const known = this.#begun.get(peer) ?? this.#silent.get(peer) ?? this.#waiting.get(peer)
    if (!known || (only && known.socket !== only)) return
    if (this.#remove(known)) this.#serve()
  }

  /** True when it had begun. */
  #remove(connection: Connection): boolean {
    const { peer, address } = connection
    this.#silent.delete(peer)
    this.#waiting.delete(peer)
    if (!this.#begun.delete(peer)) return false
    const others = (this.#begunOf.get(address) ?? 0) - 1
    if (others > 0) this.#begunOf.set(address, others)
    else this.#begunOf.delete(address)
    this.#endTurn(connection)
    return true
  }
}

function mostOf(counts: ReadonlyMap<string, number>): [address: string, count: number] {
  let most: [string, number] = ['', 0]
  for (const entry of counts) if (entry[1] > most[1]) most = entry
  return most
}
