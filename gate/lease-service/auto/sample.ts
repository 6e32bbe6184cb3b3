import type { NodeFigures } from '../../../core/node-figures.ts'

/** What is known of a node at the end of about one second, for its automatic start limit. */
export interface AutoSample {
  /** Monotonic. */
  nowMs: number
  figures: NodeFigures
  /** Start slots held on the node. */
  held: number
  /** Those of them whose containers have been seen running: only these can be seen in the figures. */
  running: number
  /** Gates that came since the sample before: their sandboxes and containers have just been made. */
  asked: number
  /** Somebody waits because the node has no room: its line is not empty and its slots are all held. */
  isShort: boolean
  /** Since the sample before. */
  ended: EndedStarts
}

/** Starts that came to an end, counted. */
export interface EndedStarts {
  /** Got past starting. */
  finished: number
  timedOut: number
  /** Killed or restarted while starting, as by a liveness probe. */
  killed: number
  oomKilled: number
  /** Pods that the kubelet evicted. */
  evicted: number
}

export const NOTHING_ENDED: EndedStarts = { finished: 0, timedOut: 0, killed: 0, oomKilled: 0, evicted: 0 }

/** The sum of two counts. */
export function plusEnded(a: EndedStarts, b: Partial<EndedStarts>): EndedStarts {
  return {
    finished: a.finished + (b.finished ?? 0),
    timedOut: a.timedOut + (b.timedOut ?? 0),
    killed: a.killed + (b.killed ?? 0),
    oomKilled: a.oomKilled + (b.oomKilled ?? 0),
    evicted: a.evicted + (b.evicted ?? 0),
  }
}
