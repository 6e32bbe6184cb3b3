import { once } from 'node:events'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'

export interface KeptSockets {
  /** The server's sides of the connections, in the order in which it has taken them. */
  kept: Socket[]
  /** Connects; resolves with the client's side when the server has taken it. */
  open(localAddress?: string): Promise<Socket>
  areOpen(): boolean[]
}

/** For tests: lets a server listen on loopback until the test ends. `patience` is for busy machines. */
export async function keptSockets(server: Server, patience: { timeout: number }): Promise<KeptSockets> {
  const kept: Socket[] = []
  server.on('connection', socket => kept.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of kept) socket.destroy()
    server.close()
  })
  const open = async (localAddress = '127.0.0.1'): Promise<Socket> => {
    const before = kept.length
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined)
    await expect.poll(() => kept.length, patience).toBe(before + 1)
    return socket
  }
  return { kept, open, areOpen: () => kept.map(socket => !socket.destroyed) }
}
