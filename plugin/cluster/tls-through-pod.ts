import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { ForwardTarget, UserCluster } from '../../core/kube/user-cluster.ts'

export interface TlsTarget extends ForwardTarget {
  /** DNS name that the certificate must be good for. */
  serverName: string
  /** PEM of the CAs that may have signed it. */
  caPem: string
}

const HANDSHAKE_MS = 10_000

/**
 * TLS to a port of a pod through the API server's port-forward. With `verify: false` also to a server that the CAs do
 * not verify: the socket's `authorized` tells. Rejects when there is no connection within 10 s.
 */
export async function tlsThroughPod(
  cluster: Pick<UserCluster, 'forward'>,
  { serverName, caPem, ...target }: TlsTarget,
  { verify }: { verify: boolean },
): Promise<TLSSocket> {
  const stream = await cluster.forward(target)
  const options: ConnectionOptions = {
    socket: stream,
    servername: serverName,
    ca: caPem,
    rejectUnauthorized: verify,
    minVersion: 'TLSv1.3',
  }
  const socket = connect(options)
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const timer = setTimeout(() => reject(new Error('no TLS handshake within 10 s')), HANDSHAKE_MS)
  socket.on('secureConnect', () => resolve(socket))
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the connection was closed before the TLS handshake')))
  stream.on('error', reject)
  try {
    return await promise
  } catch (error) {
    socket.destroy()
    stream.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}
