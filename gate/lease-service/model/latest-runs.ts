import type { Ticket } from './grant.ts'

interface Run<T> {
  readonly attempt: number
  readonly key: string
  value: T
  /** Of a sequenced pod's later stages: most pods have one ticket, and a map takes ten times as much. */
  others: Map<string, T> | undefined
}

/** What is kept of a pod's tickets, for its latest run only: whoever claims run after run fills no memory. */
export class LatestRuns<T> {
  readonly #byPod = new Map<string, Run<T>>()

  get({ podUid, key }: Pick<Ticket, 'podUid' | 'key'>): T | undefined {
    const run = this.#byPod.get(podUid)
    return run?.key === key ? run.value : run?.others?.get(key)
  }

  /** Forgets the pod's other runs. */
  set({ podUid, attempt, key }: Pick<Ticket, 'podUid' | 'attempt' | 'key'>, value: T): void {
    const run = this.#byPod.get(podUid)
    if (run?.attempt !== attempt) this.#byPod.set(podUid, { attempt, key, value, others: undefined })
    else if (run.key === key) run.value = value
    else run.others = (run.others ?? new Map<string, T>()).set(key, value)
  }

  removePod(podUid: string): void {
    this.#byPod.delete(podUid)
  }
}
