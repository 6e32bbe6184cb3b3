import type { Ticket } from './grant.ts'

/** What is kept of a pod's tickets, for its latest run only: whoever claims run after run fills no memory. */
export class LatestRuns<T> {
  readonly #byPod = new Map<string, { attempt: number; byKey: Map<string, T> }>()

  get({ podUid, key }: Pick<Ticket, 'podUid' | 'key'>): T | undefined {
    return this.#byPod.get(podUid)?.byKey.get(key)
  }

  /** Forgets the pod's other runs. */
  set({ podUid, attempt, key }: Pick<Ticket, 'podUid' | 'attempt' | 'key'>, value: T): void {
    const before = this.#byPod.get(podUid)
    if (before?.attempt === attempt) before.byKey.set(key, value)
    else this.#byPod.set(podUid, { attempt, byKey: new Map([[key, value]]) })
  }

  removePod(podUid: string): void {
    this.#byPod.delete(podUid)
  }
}
