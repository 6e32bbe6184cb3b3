import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { instead } from '../../../core/errors.ts'
import { NODE_PATH, NODE_UPGRADE } from '../../../core/waiter-api.ts'
import { type NodeIdentity, RefusedError } from '../model/refusal.ts'
import { askedBy, countedAnswerOf } from './fault-answer.ts'
import { figuresMs } from './figures-frame.ts'
import { type LinkDeps, NodeLink } from './node-link.ts'
import { bearerOf } from './token-identity.ts'
import type { UnauthenticatedConnections } from './unauthenticated-connections.ts'

export interface NodeLinksDeps extends LinkDeps {
  /** Whose waiter it is, by its token; absent where there are none. Throws RefusedError. */
  identifyNode?: (token: string, address: string) => Promise<NodeIdentity>
  /** Told of each link that is taken in, and again when it has ended. */
  onNodeLink?: (isUp: boolean) => void
}

/**
 * Takes the links of nodes' waiters: `GET /v1/node` with `Upgrade: startgate-node`. One a node: a newer one takes over,
 * since a waiter that was killed may leave a dead one behind, and its gates must not be kept by that.
 */
export function serveNodeLinks(
  server: FastifyInstance,
  deps: NodeLinksDeps,
  unauthenticated: Pick<UnauthenticatedConnections, 'authenticated'>,
): void {
  const links = new Map<string, NodeLink>()
  server.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // From here on nobody else listens to it.
    socket.on('error', () => socket.destroy())
    void (async () => {
      try {
        const node = await nodeOf(request, deps)
        if (socket.destroyed) return
        unauthenticated.authenticated(request.socket as Socket)
        if (head.length > 0) socket.unshift(head)
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${NODE_UPGRADE}\r\n\r\n`)
        links.get(node.nodeName)?.close()
        const link = new NodeLink(node, socket, deps, () => figuresMs(links.size))
        links.set(node.nodeName, link)
        deps.onNodeLink?.(true)
        socket.once('close', () => {
          if (links.get(node.nodeName) === link) links.delete(node.nodeName)
          deps.onNodeLink?.(false)
        })
      } catch (error) {
        refuse(request, socket, error, deps)
      }
    })()
  })
  // They would keep the server from closing.
  server.addHook('preClose', async () => {
    for (const link of links.values()) link.close()
  })
}

async function nodeOf(request: IncomingMessage, { identifyNode }: NodeLinksDeps): Promise<NodeIdentity> {
  const { url = '', headers, method, socket } = request
  const isLink = method === 'GET' && url === NODE_PATH && headers.upgrade?.toLowerCase() === NODE_UPGRADE
  if (!isLink || !identifyNode) {
    const remedy = instead('there is no such upgrade here', `GET ${NODE_PATH} with Upgrade: ${NODE_UPGRADE}`)
    throw new RefusedError(404, 'NOT_FOUND', remedy)
  }
  return identifyNode(bearerOf(headers.authorization), socket.remoteAddress ?? '')
}

function refuse(request: IncomingMessage, socket: Duplex, error: unknown, deps: NodeLinksDeps): void {
  const { status, code, message } = countedAnswerOf(error, askedBy(request), deps)
  const body = JSON.stringify({ code, message })
  const headers = `Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\n\r\n${body}`, () => socket.destroy())
}
