import { createServer, type Server, type Socket } from 'node:net'
import { limitConnections } from '../../core/connection-limit.ts'
import { messageOf } from '../../core/errors.ts'
import { HELLO_MS, MAX_HELLO_LINE, MAX_NODE_GATES, WAITER_BEAT_MS } from '../../core/waiter-api.ts'
import { directLine } from './down-lines.ts'
import { firstLine } from './first-line.ts'
import { type GateSession, type SessionDeps, startSession } from './gate-session.ts'
import { hangUp } from './hang-up.ts'
import { parseHello } from './hello.ts'

/** Also such as have not said anything yet. */
const MAX_CONNECTIONS = MAX_NODE_GATES
/**
 * Of one address that have shown no good token. Pods on the host's network share the node's, and some network plugins
 * show all pods under one.
 */
const MAX_UNKNOWN_OF_ADDRESS = 512

/**
 * Where the node's gates connect; does not listen yet. Of too many connections the oldest goes of the address that has
 * the most, first of those that have shown no good token: a pod that opens connections without end displaces only its
 * own.
 */
export function createGateListener(deps: SessionDeps): Server {
  const unknown = new Map<string, number>()
  const sessions = new Set<GateSession>()
  const server = createServer({ noDelay: true }, socket => {
    const address = socket.remoteAddress ?? ''
    const count = (by: number): number => {
      const next = (unknown.get(address) ?? 0) + by
      if (next > 0) unknown.set(address, next)
      else unknown.delete(address)
      return next
    }
    let isKnown = false
    const known = (): void => {
      if (!isKnown) count(-1)
      isKnown = true
    }
    socket.on('error', () => socket.destroy())
    socket.once('close', known)
    if (count(1) > MAX_UNKNOWN_OF_ADDRESS) return void socket.destroy()
    takeGate(socket, deps, sessions, () => {
      known()
      limit.markTrusted(socket)
    })
  })
  const limit = limitConnections(server, MAX_CONNECTIONS)
  const beat = setInterval(() => {
    for (const session of sessions) session.beat()
  }, WAITER_BEAT_MS)
  server.once('close', () => clearInterval(beat))
  return server
}

/** Reads the gate's one line, then waits for it. */
function takeGate(socket: Socket, deps: SessionDeps, sessions: Set<GateSession>, onVouched: () => void): void {
  const read = firstLine(MAX_HELLO_LINE)
  const late = setTimeout(() => socket.destroy(), HELLO_MS)
  let session: GateSession | undefined
  socket.once('close', () => {
    clearTimeout(late)
    if (!session) return
    sessions.delete(session)
    session.withdraw()
  })
  socket.on('data', (chunk: Buffer) => {
    if (session) return void socket.destroy()
    if (isProbe(chunk)) {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n')
      hangUp(socket)
      return
    }
    try {
      const line = read(chunk)
      if (line === undefined) return
      clearTimeout(late)
      session = startSession(socket, parseHello(line), deps, onVouched)
      sessions.add(session)
    } catch (error) {
      clearTimeout(late)
      socket.removeAllListeners('data').resume()
      socket.write(`${directLine(messageOf(error))}\n`)
      hangUp(socket)
    }
  })
}

/** The kubelet's, which comes in one piece; on this port because a node's ports are few. */
function isProbe(chunk: Buffer): boolean {
  return chunk.toString('latin1', 0, 13) === 'GET /healthz '
}
