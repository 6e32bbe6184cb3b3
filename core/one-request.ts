import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * Closes a connection on which a request comes while an earlier one is being answered: Node would begin a thousand
 * pipelined ones at once, and no caller of ours pipelines. To be called when all that serves requests listens.
 */
export function oneRequestAtATime(server: Pick<Server, 'listeners' | 'removeAllListeners' | 'on'>): void {
  const busy = new WeakSet<Duplex>()
  const listeners = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    if (busy.has(socket)) {
      socket.destroy()
      return
    }
    busy.add(socket)
    response.once('close', () => busy.delete(socket))
    for (const listener of listeners) listener.call(server, request, response)
  })
}
