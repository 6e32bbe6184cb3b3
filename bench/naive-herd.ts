import { setTimeout as sleep } from 'node:timers/promises'
import { isConflict } from '../core/kube/kube-error.ts'
import type { Lease } from '../core/kube/lease.ts'
import type { LeaseApi } from '../gate/lease-service/store/lease-store.kubernetes.ts'
import type { PodTime } from './hand-overs.ts'
import { nowMs } from './now.ts'

export interface NaiveOptions {
  api: LeaseApi
  /** Oldest first. */
  podUids: string[]
  slots: number
  /** Between two looks at the Lease. */
  pollMs: number
  startMs: number
}

const NAMESPACE = 'startgate-system'
const NAME = 'naive'
/** A pod that must give its slot back tries again so soon. */
const RELEASE_RETRY_MS = 50

/**
 * Gates as one writes them first: one Lease names who holds a slot; each gate looks at it every now and then and, when
 * there is room, writes itself in on condition that nobody else has written meanwhile.
 */
export class NaiveHerd {
  readonly grants: PodTime[] = []
  readonly freedAtMs: number[] = []
  conflicts = 0
  readonly #options: NaiveOptions
  #isOver = false

  constructor(options: NaiveOptions) {
    this.#options = options
  }

  /** Lets the herd run for a time. */
  async run(forMs: number): Promise<void> {
    const { api, podUids } = this.#options
    await api.createLease({ metadata: { namespace: NAMESPACE, name: NAME }, spec: { holderIdentity: '' } })
    const gates = podUids.map(uid => this.#gate(uid))
    await sleep(forMs)
    this.#isOver = true
    await Promise.all(gates)
  }

  async #gate(podUid: string): Promise<void> {
    const { pollMs, slots, startMs } = this.#options
    await sleep(Math.random() * pollMs)
    while (!this.#isOver && !(await this.#change(held => (held.length < slots ? [...held, podUid] : undefined)))) {
      await sleep(pollMs * (0.5 + Math.random()))
    }
    if (this.#isOver) return
    this.grants.push({ podUid, atMs: nowMs() })
    await sleep(startMs)
    while (!(await this.#change(held => held.filter(uid => uid !== podUid)))) await sleep(RELEASE_RETRY_MS)
    this.freedAtMs.push(nowMs())
  }

  /** False when there was nothing to change, or somebody else was faster. */
  async #change(next: (held: string[]) => string[] | undefined): Promise<boolean> {
    const { api } = this.#options
    const lease = await api.getLease(NAMESPACE, NAME)
    const held = next(holdersIn(lease))
    if (!held) return false
    try {
      await api.replaceLease({ ...lease, spec: { ...lease.spec, holderIdentity: held.join(' ') } })
      return true
    } catch (error) {
      if (!isConflict(error)) throw error
      this.conflicts++
      return false
    }
  }
}

function holdersIn({ spec }: Lease): string[] {
  return (spec?.holderIdentity ?? '').split(' ').filter(Boolean)
}
