import type { Work } from './node-model.ts'

/** What happens around the starts of a herd. */
export interface Surroundings {
  /** Equal ones, that share one machine and its figures. */
  nodes: number
  /** Before a gate asks: the pod's sandbox and the gate itself. */
  arrival: readonly Work[]
  /** Seconds from one pod's arrival to the next one's on the same node: the runtime makes them in turns. */
  arrivesEach: number
  /** Between a grant and the first instruction of the container. */
  creation: readonly Work[]
  /** The kubelet looks once a second what has ended or runs, and probes whoever runs as often. */
  looksEachSecond: boolean
  /** When the first figures of a second come; each second from then on. */
  firstFiguresAt: number
}

/** One node whose gates have all asked, and a kubelet that sees all at once. */
export const ALONE: Surroundings = {
  nodes: 1,
  arrival: [],
  arrivesEach: 0,
  creation: [
    { kind: 'sleep', seconds: 0.7 },
    { kind: 'cpu', seconds: 0.15, threads: 1 },
  ],
  looksEachSecond: false,
  firstFiguresAt: 1,
}

/**
 * The two workers of the cluster of bench/herd, as measured there: a gated pod takes 0.53 s of CPU beside its start,
 * two thirds of it before its gate asks.
 */
export function clusterAt(firstFiguresAt: number): Surroundings {
  return {
    nodes: 2,
    arrival: [
      { kind: 'sleep', seconds: 0.6 },
      { kind: 'cpu', seconds: 0.35, threads: 1 },
    ],
    arrivesEach: 0.2,
    creation: [
      { kind: 'sleep', seconds: 0.25 },
      { kind: 'cpu', seconds: 0.18, threads: 1 },
    ],
    looksEachSecond: true,
    firstFiguresAt,
  }
}
