import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { systemClock } from '../core/clock.ts'
import type { GateMessage, GateVerdict } from '../core/lease-api.ts'
import { madeToken } from '../gate/lease-service/testing/made-token.ts'
import type { GateConfig } from '../gate/pod/config.ts'
import type { LeaseClient } from '../gate/pod/lease-client.ts'
import { waitUnlessWithdrawn } from '../gate/pod/wait.ts'
import { gateConnection } from './gate-connection.ts'
import type { PodTime } from './hand-overs.ts'
import { nowMs } from './now.ts'

export interface HerdOptions {
  gates: number
  port: number
  serverName: string
  ca: string
  /** Of the i-th gate's pod; `pod-<i>` when not given. */
  podUidOf?: (i: number) => string
  /** What it shows the service; its pod's UID when not given. */
  tokenOf?: (podUid: string) => string
  onGranted?: (podUid: string) => void
}

const STARTS_A_SECOND = 400
const STARTS_AT_ONCE = 20

/** Gates as in pods, all in this process: the program's own waiting, a connection and a token each. */
export class GateHerd {
  /** In the order in which the gates heard of them, in ms of the machine's monotonic clock. */
  readonly grants: PodTime[] = []
  asks = 0
  failedOpen = 0
  /** Connections that ended without a leader's last word. */
  losses = 0
  #firstWordMs: number | undefined
  readonly #inContact = new Set<string>()
  readonly #verdicts: Promise<GateVerdict | undefined>[] = []
  readonly #withdrawn = new AbortController()

  /** Gates that have heard a leader since the last loss. */
  get inContact(): number {
    return this.#inContact.size
  }

  /** Resolves when a leader next tells any gate that it waits, with the time. */
  async nextWord(): Promise<number> {
    this.#firstWordMs = undefined
    for (; ; await sleep(5)) if (this.#firstWordMs !== undefined) return this.#firstWordMs
  }

  /**
   * Starts the gates, a few at a time: this process stands for all their machines, and is the first that cannot keep
   * up.
   */
  async start(options: HerdOptions): Promise<void> {
    const secureContext = createSecureContext({ ca: options.ca })
    for (let i = 0; i < options.gates; i++) {
      const podUid = options.podUidOf?.(i) ?? `pod-${i}`
      this.#verdicts.push(this.#wait(podUid, secureContext, options))
      if (i % STARTS_AT_ONCE === 0) await sleep((STARTS_AT_ONCE * 1_000) / STARTS_A_SECOND)
    }
  }

  /** Resolves when every gate has its verdict. */
  async ended(): Promise<void> {
    await Promise.all(this.#verdicts)
  }

  /** Those that still wait give up. */
  async abandon(): Promise<void> {
    this.#withdrawn.abort()
    await this.ended()
  }

  async #wait(
    podUid: string,
    secureContext: SecureContext,
    { port, serverName, ca, tokenOf, onGranted }: HerdOptions,
  ): Promise<GateVerdict | undefined> {
    const config: GateConfig = {
      gate: 'startgate-start',
      address: `127.0.0.1:${port}`,
      serverName,
      caPem: ca,
      podUid,
      failOpenAfterMs: 60_000,
      failOpenJitterMs: 300_000,
    }
    const deps = {
      config,
      attempt: 1,
      isLost: false,
      client: this.#counted(
        gateConnection({ serverName, secureContext, token: tokenOf?.(podUid) ?? madeToken({ podUid }) }),
        podUid,
      ),
      clock: systemClock,
      random: Math.random,
      newNonce: () => crypto.randomUUID(),
      onReason: () => undefined,
      readPressure: async () => ({}),
    }
    const verdict = await waitUnlessWithdrawn(deps, this.#withdrawn.signal)
    if (verdict?.verdict === 'granted') {
      this.grants.push({ podUid, atMs: nowMs() })
      onGranted?.(podUid)
    }
    if (verdict?.verdict === 'failed-open') this.failedOpen++
    return verdict
  }

  #counted(client: LeaseClient, podUid: string): LeaseClient {
    return {
      ...client,
      ask: async (address, body, signal, onMessage) => {
        this.asks++
        let isEnded = false
        const heard = (message: GateMessage): void => {
          this.#inContact.add(podUid)
          if (message.kind === 'waiting') this.#firstWordMs ??= nowMs()
          isEnded ||= message.kind !== 'waiting'
          onMessage(message)
        }
        const reason = await client.ask(address, body, signal, heard)
        if (!isEnded) {
          this.#inContact.delete(podUid)
          this.losses++
        }
        return reason
      },
    }
  }
}
