import { setTimeout as sleep } from 'node:timers/promises'
import type { GateRequest } from '../../core/lease-api.ts'
import type { GateName } from '../../core/names.ts'
import type { NodeFigures } from '../../core/node-figures.ts'
import type { LeaseClient } from '../pod/lease-client.ts'
import { connectLink, type LinkConnection } from './connect-link.ts'
import { LeaderLink } from './leader-link.ts'

/**
 * Between two tries to connect to an address. Each gate tries again in its own time, and all of a node's together may
 * not shake a replica's hand more often than one does that asks by itself.
 */
const PAUSE_MS = 250

/**
 * With no link in all that time a waiter that has never had one is taken for cut off: its node's network may not reach
 * the lease service where pods' does. Longer than a lease service takes that starts with the cluster, when gates do
 * better to wait; shorter than the usual patience (failOpenAfter).
 */
export const CUT_OFF_MS = 45_000

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
  /** When an address was last connected to; only those of which that is a pause ago are forgotten. */
  readonly #triedMs = new Map<string, number>()
  #firstTriedMs: number | undefined
  #hasConnected = false

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

  /** Whether no replica could ever be reached, though it has been tried for long. */
  isCutOff(): boolean {
    if (this.#hasConnected || this.#firstTriedMs === undefined) return false
    return this.#monotonicMs() - this.#firstTriedMs >= CUT_OFF_MS
  }

  closeAll(reason: string): void {
    for (const link of [...this.#links.values()]) link.close(reason)
  }

  #link(address: string): LeaderLink {
    const found = this.#links.get(address)
    if (found) return found
    const link: LeaderLink = new LeaderLink({
      connect: async signal => {
        const pauseMs = this.#pauseMs(address)
        if (pauseMs > 0) await sleep(pauseMs, undefined, { signal })
        const socket = await connectLink(this.#connection, address, signal)
        this.#hasConnected = true
        return socket
      },
      monotonicMs: this.#monotonicMs,
      onClosed: () => void (this.#links.get(address) === link && this.#links.delete(address)),
    })
    this.#links.set(address, link)
    return link
  }

  /** Until the next try is due, which is made then. */
  #pauseMs(address: string): number {
    const nowMs = this.#monotonicMs()
    this.#firstTriedMs ??= nowMs
    for (const [tried, atMs] of this.#triedMs) if (nowMs - atMs >= PAUSE_MS) this.#triedMs.delete(tried)
    const triedMs = this.#triedMs.get(address)
    const dueMs = triedMs === undefined ? nowMs : triedMs + PAUSE_MS
    this.#triedMs.set(address, dueMs)
    return dueMs - nowMs
  }
}

function boundedRequest({ podUid, attempt, nonce, version, pressure }: GateRequest): GateRequest {
  return { podUid, attempt, nonce, ...(version !== undefined && { version }), ...(pressure && { pressure }) }
}
