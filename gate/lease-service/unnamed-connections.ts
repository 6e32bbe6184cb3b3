import type { Server, Socket } from 'node:net'

/** Connections that may be open without having shown a good token. One that has said nothing yet costs a few KiB. */
export const MAX_UNNAMED = 4_000
/**
 * Within so long one that has begun to speak is not closed for another: so long four thousand handshakes at once take. Else a
 * herd larger than the limit would be closed over and over, none of it ever done.
 */
export const FAIR_TIME_MS = 5_000

export interface UnnamedConnections {
  /** The connection has shown who it is; from here on it counts no more. */
  named(socket: Socket): void
  count(): number
}

interface Connection {
  socket: Socket
  sinceMs: number
}

/**
 * Keeps those few that have not said who they are. One too many, and one is closed: the oldest that has said nothing, as it is
 * the least likely to be a gate's, else the oldest that has had its time, else the newcomer, whose gate tries again. Not a
 * limit for each address: all gates of a node, or of a cluster, may come from one (SNAT).
 */
export function limitUnnamed(
  server: Server,
  most = MAX_UNNAMED,
  monotonicMs: () => number = () => performance.now(),
): UnnamedConnections {
  // By the peer's address, since a request shows the TLS socket and `connection` the TCP socket below it. A Map keeps
  // insertion order: the first is the oldest.
  const silent = new Map<string, Connection>()
  const speaking = new Map<string, Connection>()
  const forget = (peer: string): void => {
    silent.delete(peer)
    speaking.delete(peer)
  }
  const oneToClose = (newcomer: Socket): Socket => {
    for (const [peer, connection] of silent) {
      if (connection.socket === newcomer) break
      if (connection.socket.bytesRead === 0) return connection.socket
      silent.delete(peer)
      speaking.set(peer, connection)
    }
    const [oldest] = speaking.values()
    return oldest && monotonicMs() - oldest.sinceMs >= FAIR_TIME_MS ? oldest.socket : newcomer
  }
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    silent.set(peer, { socket, sinceMs: monotonicMs() })
    socket.once('close', () => {
      if ((silent.get(peer) ?? speaking.get(peer))?.socket === socket) forget(peer)
    })
    if (silent.size + speaking.size <= most) return
    const closed = oneToClose(socket)
    forget(peerOf(closed))
    closed.destroy()
  })
  return { named: socket => forget(peerOf(socket)), count: () => silent.size + speaking.size }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
