import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import type { GateMessage, GateVerdict } from '../core/lease-api.ts'
import type { GateConfig } from '../gate/pod/config.ts'
import { createLeaseClient, type LeaseClient } from '../gate/pod/lease-client.ts'
import { waitUnlessWithdrawn } from '../gate/pod/wait.ts'
import type { HeardGrant } from './hand-overs.ts'
import { nowMs } from './now.ts'

export interface HerdOptions {
  gates: number
  port: number
  serverName: string
  ca: string
}

/** Gates as in pods, all in this process: the program's own waiting and its own connections, one token each. */
export class GateHerd {
  /** In the order in which the gates heard of them, in ms of the machine's monotonic clock. */
  readonly grants: HeardGrant[] = []
  asks = 0
  failedOpen = 0
  /** Connections that ended without a leader's last word. */
  losses = 0
  readonly #inContact = new Set<string>()
  readonly #verdicts: Promise<GateVerdict | undefined>[] = []
  readonly #withdrawn = new AbortController()
  #tokens = ''

  /** Gates that have heard a leader since the last loss. */
  get inContact(): number {
    return this.#inContact.size
  }

  async start(options: HerdOptions): Promise<void> {
    this.#tokens = await mkdtemp(join(tmpdir(), 'startgate-bench-'))
    const uids = Array.from({ length: options.gates }, (_, i) => `pod-${i}`)
    for (const uid of uids) await writeFile(join(this.#tokens, uid), uid)
    for (const uid of uids) this.#verdicts.push(this.#wait(uid, options))
  }

  /** Resolves when every gate has its verdict. */
  async ended(): Promise<void> {
    await Promise.all(this.#verdicts)
    await rm(this.#tokens, { recursive: true })
  }

  /** Those that still wait give up. */
  async abandon(): Promise<void> {
    this.#withdrawn.abort()
    await this.ended()
  }

  async #wait(podUid: string, { port, serverName, ca }: HerdOptions): Promise<GateVerdict | undefined> {
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
      client: this.#counted(createLeaseClient(config, join(this.#tokens, podUid)), podUid),
      clock: systemClock,
      random: Math.random,
      newNonce: () => crypto.randomUUID(),
      onReason: () => undefined,
      readPressure: async () => ({}),
    }
    const verdict = await waitUnlessWithdrawn(deps, this.#withdrawn.signal)
    if (verdict?.verdict === 'granted') this.grants.push({ podUid, atMs: nowMs() })
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
