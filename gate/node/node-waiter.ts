import { Agent } from 'node:https'
import type { Server } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import type { TokenVerdict } from '../../core/kube/token-review.ts'
import type { Pressure } from '../../core/pressure.ts'
import type { LinkConnection } from './connect-link.ts'
import { FIGURES_MS, figuresFeed } from './figures-feed.ts'
import { createGateListener } from './gate-listener.ts'
import { LeaderLinks } from './leader-links.ts'
import type { NodeReading } from './node-figures.ts'
import { createVouch } from './vouch.ts'

export interface NodeWaiterDeps {
  nodeName: string
  /** `host:port` of the lease service's Service. */
  address: string
  connection: Omit<LinkConnection, 'agent'>
  review: (token: string) => Promise<TokenVerdict>
  readPressure: () => Promise<Pressure>
  /** What the node's kernel says; undefined where it does not. Never rejects. */
  readNode: () => Promise<NodeReading | undefined>
  clock: Clock
  random: () => number
  newNonce: () => string
}

/** Waits for all gates of one node; does not listen yet. */
export function createNodeWaiter(deps: NodeWaiterDeps): { server: Server; links: LeaderLinks } {
  // Keeps no connection, but TLS sessions.
  const links = new LeaderLinks({ ...deps.connection, agent: new Agent() }, () => deps.clock.monotonicMs())
  const server = createGateListener({
    ...deps,
    vouch: createVouch(deps),
    clientOf: gate => links.clientOf(gate),
    isCutOff: () => links.isCutOff(),
  })
  const feed = figuresFeed({ read: deps.readNode, links })
  const feeding = setInterval(() => void feed(), FIGURES_MS)
  server.once('close', () => {
    clearInterval(feeding)
    links.closeAll('the waiter ends')
  })
  return { server, links }
}
