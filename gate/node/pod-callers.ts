import type { Socket } from 'node:net'
import { type Bucket, type BucketRate, tokensNow } from '../../core/token-bucket.ts'

/** How often a pod may begin to ask: its gates' shells try once a second, and after each other. */
const RATE: BucketRate = { perSecond: 2, burst: 20 }
/** Pods that are remembered: some times as many as a node runs. */
const MOST_PODS = 4_096

interface Caller extends Bucket {
  socket: Socket
}

/**
 * Connections with a good token: one a pod, since its gates wait one after another. All gates of a node share one
 * connection to the leader, and so many places here; a pod that asks without end must take none from others.
 */
export class PodCallers {
  readonly #monotonicMs: () => number
  readonly #byPod = new Map<string, Caller>()

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** Takes a pod's newest connection in, and ends the one before. False, and nothing is taken in: it asks too often. */
  admit(podUid: string, socket: Socket): boolean {
    const nowMs = this.#monotonicMs()
    const before = this.#byPod.get(podUid)
    const tokens = tokensNow(before, RATE, nowMs)
    if (tokens < 1) return false
    this.#byPod.delete(podUid)
    this.#byPod.set(podUid, { socket, tokens: tokens - 1, atMs: nowMs })
    if (before?.socket !== socket) before?.socket.destroy()
    this.#forget()
    return true
  }

  #forget(): void {
    if (this.#byPod.size <= MOST_PODS) return
    for (const [podUid, { socket }] of this.#byPod) {
      if (!socket.destroyed) continue
      this.#byPod.delete(podUid)
      return
    }
  }
}
