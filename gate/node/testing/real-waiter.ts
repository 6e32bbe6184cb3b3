import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { createNodeWaiter, type NodeWaiterDeps } from '../node-waiter.ts'
import { madeReview, waiterToken } from './made-review.ts'
import { SERVER_NAME } from './real-replica.ts'

export interface RealWaiterOptions {
  /** Of the lease service's Service. */
  address: string
  caPem: string
  nodeName?: string
  /** 0: any. */
  port?: number
  /** Its own. */
  token?: string
  review?: NodeWaiterDeps['review']
  readNode?: NodeWaiterDeps['readNode']
}

/** For tests: a waiter that listens on loopback. `stop` is its sudden end. */
export async function realWaiter(options: RealWaiterOptions): Promise<{ port: number; stop: () => Promise<void> }> {
  const { address, caPem, nodeName = 'worker-1', port = 0, token = waiterToken(nodeName) } = options
  const { server } = createNodeWaiter({
    nodeName,
    address,
    connection: { serverName: SERVER_NAME, caPem: async () => caPem, token: async () => token },
    review: options.review ?? (async reviewed => madeReview(reviewed)),
    readPressure: async () => ({ cpu: 12 }),
    readNode: options.readNode ?? (async () => undefined),
    clock: systemClock,
    random: Math.random,
    newNonce: randomUUID,
  })
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  onTestFinished(stop)
  return { port: (server.address() as AddressInfo).port, stop }
}
