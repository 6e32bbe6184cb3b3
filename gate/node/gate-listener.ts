import { createServer, type Server, type Socket } from 'node:net'
import { limitConnections } from '../../core/connection-limit.ts'
import { messageOf } from '../../core/errors.ts'
import { HELLO_MS, MAX_HELLO_LINE, MAX_NODE_GATES, WAITER_BEAT_MS } from '../../core/waiter-api.ts'
import { directLine } from './down-lines.ts'
import { firstLine } from './first-line.ts'
import { type GateSession, type SessionDeps, type SessionEvents, startSession } from './gate-session.ts'
import { hangUp } from './hang-up.ts'
import { parseHello } from './hello.ts'
import { PodCallers } from './pod-callers.ts'
import { UnknownCallers } from './unknown-callers.ts'

/** Also such as have not said anything yet. */
const MAX_CONNECTIONS = MAX_NODE_GATES
/** Of one address that have shown no good token. Pods on the host's network share the node's. */
const MAX_UNKNOWN_OF_ADDRESS = 512

/**
 * Where the node's gates connect; does not listen yet. A pod that opens connections without end displaces only its own:
 * before it has shown its token by its address, and then by its UID.
 */
export function createGateListener(deps: SessionDeps): Server {
  const unknown = new UnknownCallers(MAX_UNKNOWN_OF_ADDRESS)
  const pods = new PodCallers(() => deps.clock.monotonicMs())
  const sessions = new Set<GateSession>()
  const server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => socket.destroy())
    const { asks, answered, known } = unknown.add(socket.remoteAddress ?? '', socket)
    takeGate(socket, deps, sessions, {
      onHello: asks,
      onRefused: answered,
      onVouched: podUid => {
        if (socket.destroyed || !pods.admit(podUid, socket)) {
          socket.destroy()
          return false
        }
        known()
        limit.markTrusted(socket)
        return true
      },
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
function takeGate(
  socket: Socket,
  deps: SessionDeps,
  sessions: Set<GateSession>,
  on: SessionEvents & { onHello: () => void },
): void {
  const read = firstLine(MAX_HELLO_LINE)
  const late = setTimeout(() => socket.destroy(), HELLO_MS)
  let session: GateSession | undefined
  socket.once('close', () => {
    clearTimeout(late)
    if (!session) return
    sessions.delete(session)
    session.withdraw()
  })
  const answer = (text: string): void => {
    clearTimeout(late)
    socket.removeAllListeners('data').resume()
    socket.write(text)
    hangUp(socket)
  }
  socket.on('data', (chunk: Buffer) => {
    if (session) return void socket.destroy()
    if (isProbe(chunk)) return answer('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n')
    try {
      const line = read(chunk)
      if (line === undefined) return
      const caller = parseHello(line)
      clearTimeout(late)
      on.onHello()
      session = startSession(socket, caller, deps, on)
      sessions.add(session)
    } catch (error) {
      answer(`${directLine(messageOf(error))}\n`)
    }
  })
}

/** The kubelet's, which comes in one piece; on this port because a node's ports are few. */
function isProbe(chunk: Buffer): boolean {
  return chunk.toString('latin1', 0, 13) === 'GET /healthz '
}
