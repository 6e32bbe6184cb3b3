import type { Clock } from '../../../core/clock.ts'
import type { Pod } from '../../../core/pod.ts'
import type { SharedText } from '../pods/shared-text.ts'
import { StartedPods } from './started-pod.ts'

/** Stamps of nodes whose clocks are behind. */
const CLOCK_SKEW_MS = 60_000

export interface RetainOptions {
  texts: SharedText
  clock: Clock
  /** The longest that any start may take, whatever its annotations say. */
  maxStartTimeoutMs: number
}

/** What a replica's watch keeps of a pod: all of it while something of it may be starting, then little but its name. */
export function retainPods({ texts, clock, maxStartTimeoutMs }: RetainOptions): (pod: Pod, before?: Pod) => Pod {
  const started = new StartedPods(texts)
  const oldAfterMs = maxStartTimeoutMs + CLOCK_SKEW_MS
  return (pod, before) =>
    started.shrunk(pod, { wallMs: clock.wallMs(), nowMs: clock.monotonicMs(), oldAfterMs, before })
}
