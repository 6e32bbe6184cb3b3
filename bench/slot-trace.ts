import { threadCpuMs } from '../core/clock.ts'
import type { Timers } from '../core/timers.ts'
import type { NewLedger } from '../gate/lease-service/leader/term-state.ts'
import { Ledger } from '../gate/lease-service/ledger/ledger.ts'
import type { Step } from '../gate/lease-service/ledger/step.ts'
import type { LeaseStore } from '../gate/lease-service/store/lease-store.ts'
import { nowMs } from './now.ts'

/** When each part of one grant's way was over, in ms of the machine's monotonic clock. */
export interface GrantWay {
  podUid: string
  stepBegunMs: number
  decidedMs: number
  writeBegunMs: number
  writtenMs: number
  /** The read of the election Lease began that its answer waited for. */
  confirmBegunMs: number
  toldMs: number
  /** What was said in that turn of the event loop was written to the connections. */
  flushedMs: number
}

/** CPU time of the leader's thread in one step: its decision with all that is said and stored because of it. */
export type StepCpuMs = number

/** Stamps what the parts of a leader do from outside: the product has nothing of it. */
export class SlotTrace {
  readonly #open = new Map<string, Partial<GrantWay>>()
  #ways: GrantWay[] = []
  #stepsCpuMs: StepCpuMs[] = []
  #confirmBegunMs = Number.NaN
  #hasStepped = false

  /** What has come since the last call. */
  take(): { ways: GrantWay[]; stepsCpuMs: StepCpuMs[] } {
    const taken = { ways: this.#ways, stepsCpuMs: this.#stepsCpuMs }
    this.#ways = []
    this.#stepsCpuMs = []
    return taken
  }

  readonly newLedger: NewLedger = (settings, parts, sinceMs) => {
    const decided = (begunMs: number, step: Step): void => this.#decided(begunMs, step)
    return new (class extends Ledger {
      override step(...args: Parameters<Ledger['step']>): Step {
        const begunMs = nowMs()
        const step = super.step(...args)
        decided(begunMs, step)
        return step
      }
    })(settings, parts, sinceMs)
  }

  #decided(stepBegunMs: number, { grants }: Step): void {
    this.#hasStepped = true
    const decidedMs = nowMs()
    for (const { podUid } of grants) this.#open.set(podUid, { podUid, stepBegunMs, decidedMs })
  }

  store(store: LeaseStore): LeaseStore {
    return {
      ...store,
      put: async (grant, known) => {
        const way = this.#open.get(grant.podUid)
        if (way) way.writeBegunMs = nowMs()
        const version = await store.put(grant, known)
        if (way) way.writtenMs = nowMs()
        return version
      },
    }
  }

  confirmTerm(confirm: () => Promise<boolean>): () => Promise<boolean> {
    return async () => {
      const begunMs = nowMs()
      const isOurs = await confirm()
      this.#confirmBegunMs = begunMs
      return isOurs
    }
  }

  told(podUid: string): void {
    const way = this.#open.get(podUid)
    this.#open.delete(podUid)
    if (!way) return
    way.confirmBegunMs = this.#confirmBegunMs
    way.toldMs = nowMs()
    // After what the connection's own writer has planned for the end of this turn.
    setImmediate(() => {
      way.flushedMs = nowMs()
      this.#ways.push(way as GrantWay)
    })
  }

  /** Those with which a leader plans its steps. */
  timers(timers: Timers): Timers {
    const counted = (act: () => void) => (): void => {
      this.#hasStepped = false
      const begunMs = threadCpuMs()
      act()
      if (this.#hasStepped) this.#stepsCpuMs.push(threadCpuMs() - begunMs)
    }
    return {
      every: timers.every,
      after: (ms, act) => timers.after(ms, counted(act)),
      soon: act => timers.soon(counted(act)),
    }
  }
}
