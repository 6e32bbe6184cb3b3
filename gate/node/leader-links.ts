import type { GateRequest } from '../../core/lease-api.ts'
import type { GateName } from '../../core/names.ts'
import type { NodeFigures } from '../../core/node-figures.ts'
import type { LeaseClient } from '../pod/lease-client.ts'
import { connectLink, type LinkConnection } from './connect-link.ts'
import { LeaderLink } from './leader-link.ts'

/** A gate that has shown its token. */
export interface VouchedGate {
  namespace: string
  podName: string
  gate: GateName
}

/** The node's connections to replicas of the lease service: one each, whatever the number of gates. */
export class LeaderLinks {
  readonly #connection: LinkConnection
  readonly #monotonicMs: () => number
  readonly #links = new Map<string, LeaderLink>()

  constructor(connection: LinkConnection, monotonicMs: () => number) {
    this.#connection = connection
    this.#monotonicMs = monotonicMs
  }

  /** One gate's way to the lease service: the same as its own connection would be (gate/pod/lease-client.ts). */
  clientOf(gate: VouchedGate): LeaseClient {
    return {
      ask: async (address, body, signal, onMessage) => {
        if (signal.aborted) return 'asked no more'
        const link = this.#link(address)
        const { promise, resolve } = Promise.withResolvers<string>()
        const id = link.open({ ...gate, ...boundedRequest(body) }, { onMessage, onEnd: resolve })
        const leave = (): void => {
          link.leave(id)
          resolve('asked no more')
        }
        signal.addEventListener('abort', leave, { once: true })
        const reason = await promise
        signal.removeEventListener('abort', leave)
        return reason
      },
    }
  }

  /** Some leader wants figures of this node; `figuresDue`: now. */
  wantFigures(): boolean {
    return this.#links.values().some(({ wantsFigures }) => wantsFigures)
  }

  figuresDue(): boolean {
    return this.#links.values().some(({ areFiguresDue }) => areFiguresDue)
  }

  tellFigures(figures: NodeFigures): void {
    for (const link of this.#links.values()) if (link.areFiguresDue) link.tellFigures(figures)
  }

  closeAll(reason: string): void {
    for (const link of [...this.#links.values()]) link.close(reason)
  }

  #link(address: string): LeaderLink {
    const found = this.#links.get(address)
    if (found) return found
    const link: LeaderLink = new LeaderLink({
      connect: signal => connectLink(this.#connection, address, signal),
      monotonicMs: this.#monotonicMs,
      onClosed: () => void (this.#links.get(address) === link && this.#links.delete(address)),
    })
    this.#links.set(address, link)
    return link
  }
}

function boundedRequest({ podUid, attempt, nonce, version, pressure }: GateRequest): GateRequest {
  return { podUid, attempt, nonce, ...(version !== undefined && { version }), ...(pressure && { pressure }) }
}
