import type { AddressInfo, Socket } from 'node:net'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { ServingIdentity } from '../../../certs/identity.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import type { Pod } from '../../../core/pod.ts'
import { createNodeIdentity } from '../../lease-service/http/node-identity.ts'
import { buildServer } from '../../lease-service/http/server.ts'
import { madeService } from '../../lease-service/testing/made-service.ts'
import { madeReview } from './made-review.ts'

export const SERVER_NAME = 'startgate-lease-service.startgate-system.svc'
const log = pino({ level: 'silent' })

export type RealReplica = Awaited<ReturnType<typeof realReplica>>

/**
 * For tests: a replica of the lease service, its real HTTP server on loopback and its real leader on Leases in memory,
 * with time as it passes. `links`: connections of waiters it has had; `figures`: what they have told of their nodes.
 * Not `takesWaiters`: as a version without them.
 */
export async function realReplica(
  pods: Pod[],
  identity: ServingIdentity,
  { maxStarting = 1, takesWaiters = true }: { maxStarting?: number; takesWaiters?: boolean } = {},
) {
  const made = madeService(pods, { maxStarting })
  const begunMs = performance.now()
  const clock = setInterval(() => {
    made.world.nowMs = 1_000 + performance.now() - begunMs
  }, 10)
  const { service } = made
  const refused: string[] = []
  const figures: [nodeName: string, told: NodeFigures][] = []
  const links = new Set<Socket>()
  const server = buildServer({
    tls: { cert: identity.certPem, key: identity.keyPem },
    identify: async () => Promise.reject(new Error('no gate asks by itself here')),
    ...(takesWaiters && {
      identifyNode: createNodeIdentity({
        review: async token => madeReview(token),
        getPod: async () => undefined,
        namespace: 'startgate-system',
        account: 'startgate-node-waiter',
      }),
    }),
    connect: (pod, gate, request, stream) => service.connect(pod, gate, request, stream),
    connectAgent: async () => () => undefined,
    report: async () => undefined,
    takePressure: (pod, request) => service.takePressure(pod, request),
    takeFigures: (nodeName, told) => void figures.push([nodeName, told]),
    isReady: () => true,
    refused: code => void refused.push(code),
    log,
  })
  server.server.on('upgrade', (_request, socket) => void links.add(socket as Socket))
  await server.listen({ host: '127.0.0.1', port: 0 })
  const stop = async (): Promise<void> => {
    for (const link of links) link.destroy()
    server.server.closeAllConnections()
    await server.close()
  }
  onTestFinished(async () => {
    clearInterval(clock)
    await stop()
  })
  const address = `127.0.0.1:${(server.server.address() as AddressInfo).port}`
  return { ...made, address, refused, figures, links, stop }
}
