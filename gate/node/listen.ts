import { once } from 'node:events'
import type { Server } from 'node:net'
import { InvalidValueError } from '../../core/errors.ts'
import { listenHost } from '../../core/listen-host.ts'

/**
 * Listens where gates connect, on the node's own address (`status.hostIP`) and no other: what else a node has may be
 * open to the world, and other programs may have this port there. Where no interface of the node has that address
 * (behind some NAT), or none is given, it is all addresses. Returns the address. Throws InvalidValueError where the
 * port is taken.
 */
export async function listenForGates(server: Server, port: number, hostIp: string | undefined): Promise<string> {
  try {
    return await listenOn(server, port, hostIp || listenHost())
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRNOTAVAIL' && hostIp) return await listenOn(server, port, listenHost())
    if (code !== 'EADDRINUSE') throw error
    const remedy =
      'is taken on this node by another program, so gates here ask the lease service by themselves; use a free one'
    throw new InvalidValueError('nodeWaiter.port', String(port), remedy)
  }
}

async function listenOn(server: Server, port: number, host: string): Promise<string> {
  server.listen(port, host)
  await once(server, 'listening')
  return host
}
