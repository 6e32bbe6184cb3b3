import type { Server, Socket } from 'node:net'

export interface ConnectionLimit {
  /** A good request came on this connection (TLS or not): it is closed only when all others have sent one too. */
  markTrusted(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): void
}

interface Connection {
  socket: Socket
  address: string
  isTrusted: boolean
}

/**
 * Keeps at most `most` connections to a server. When there is one more, it closes the oldest connection of the address
 * that has the most, first among those that have sent no good request. So whoever opens connections without end
 * displaces only its own.
 */
export function limitConnections(server: Pick<Server, 'on'>, most: number): ConnectionLimit {
  // By the peer's address and port, since a request shows the TLS socket and `connection` the TCP socket below it. A
  // Map keeps insertion order: the first is the oldest.
  const open = new Map<string, Connection>()
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    const connection = { socket, address: socket.remoteAddress ?? '', isTrusted: false }
    open.set(peer, connection)
    socket.once('close', () => void (open.get(peer) === connection && open.delete(peer)))
    if (open.size <= most) return
    const [closedPeer, closed] = connectionToClose(open)
    open.delete(closedPeer)
    closed.socket.on('error', () => undefined).destroy()
  })
  return {
    markTrusted: socket => {
      const connection = open.get(peerOf(socket))
      if (connection) connection.isTrusted = true
    },
  }
}

function connectionToClose(open: ReadonlyMap<string, Connection>): [string, Connection] {
  const untrusted = [...open].filter(([, { isTrusted }]) => !isTrusted)
  const candidates = untrusted.length > 0 ? untrusted : [...open]
  const counts = new Map<string, number>()
  for (const [, { address }] of candidates) counts.set(address, (counts.get(address) ?? 0) + 1)
  let best = candidates[0]
  for (const candidate of candidates)
    if (best && (counts.get(candidate[1].address) ?? 0) > (counts.get(best[1].address) ?? 0)) best = candidate
  if (!best) throw new Error('there is no connection to close')
  return best
}

/** The other end of a connection, TLS or not: its address and port. */
export function peerOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`
}
