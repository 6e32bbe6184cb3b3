import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Connections that may be open without having shown a good token. A gate shows one within milliseconds of its handshake, so
 * four thousand at once are more than ten thousand gates that reconnect within seconds make; one that has said nothing yet costs a few KiB.
 */
export const MAX_UNNAMED = 4_000

export interface UnnamedConnections {
  /** The connection has shown who it is; from here on it counts no more. */
  named(socket: Socket): void
  count(): number
}

/**
 * Keeps those few that have not said who they are: one too many, and the oldest is closed, as it is the least likely to be a
 * gate's. Not a limit for each address: all gates of a node, or of a cluster, may come from one (SNAT).
 */
export function limitUnnamed(server: Server, most = MAX_UNNAMED): UnnamedConnections {
  // By the peer's address, since a request shows the TLS socket and `connection` the TCP socket below it.
  const unnamed = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    unnamed.set(peer, socket)
    socket.once('close', () => unnamed.get(peer) === socket && unnamed.delete(peer))
    // A Map keeps insertion order: the first is the oldest.
    const oldest = unnamed.entries().next().value
    if (unnamed.size <= most || !oldest) return
    unnamed.delete(oldest[0])
    oldest[1].destroy()
  })
  return { named: socket => void unnamed.delete(peerOf(socket)), count: () => unnamed.size }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
