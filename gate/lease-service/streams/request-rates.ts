import { TOO_MANY_REQUESTS } from '../../../core/lease-api.ts'
import type { Pod } from '../../../core/pod.ts'
import { type Bucket, tokensNow } from '../../../core/token-bucket.ts'
import { RefusedError } from '../model/refusal.ts'

/** An agent whose containers talk all the time reports five times a second, and its gates ask now and then. */
const PER_SECOND = 10
/** After a change of leaders each stage's gate may come at once. */
const BURST = 100
const RATE = { perSecond: PER_SECOND, burst: BURST }

/** How often a pod's gates and agent may come, together: a token bucket each. Times are monotonic ms. */
export class RequestRates {
  readonly #now: () => number
  readonly #byPod = new Map<string, Bucket>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts one request. Throws RefusedError 429 when the pod has come too often. */
  take({ metadata }: Pod): void {
    const { uid = '', namespace, name } = metadata
    const nowMs = this.#now()
    const tokens = tokensNow(this.#byPod.get(uid), RATE, nowMs)
    if (tokens < 1) {
      const rule = `at most ${PER_SECOND} requests a second, ${BURST} at once`
      throw new RefusedError(
        429,
        TOO_MANY_REQUESTS,
        `pod ${namespace}/${name} comes too often (${rule}): try again in a second`,
      )
    }
    this.#byPod.set(uid, { tokens: tokens - 1, atMs: nowMs })
  }

  removePod(uid: string): void {
    this.#byPod.delete(uid)
  }
}
