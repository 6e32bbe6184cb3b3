import { median } from './quantiles.ts'

/** One start of some pods of one kind. */
export interface CostRun {
  kind: string
  pods: number
  /** From 1. */
  round: number
  /** CPU time of the machine from apply until all were ready. */
  cpuSeconds: number
  tookSeconds: number
  /** CPU seconds a second of the idle cluster, before it and after it. */
  idleBefore: number
  idleAfter: number
}

/** CPU seconds a pod, without what the idle cluster would have used in that time. */
export function perPod({ cpuSeconds, tookSeconds, idleBefore, idleAfter, pods }: CostRun): number {
  return (cpuSeconds - (tookSeconds * (idleBefore + idleAfter)) / 2) / pods
}

/** What is compared: pods of a kind, and those with the same number of trivial init containers, to bare ones. */
export interface Comparison {
  bare: string
  trivial: string
  gated: string
}

/**
 * A line of a table in Markdown: CPU seconds a pod of each kind, each the median of the rounds, and the ratio of what
 * gating adds to what the trivial init containers add, the median of the rounds' own.
 */
export function costRow(runs: readonly CostRun[], { bare, trivial, gated }: Comparison, pods: number): string {
  const own = (kind: string) => runs.filter(run => run.kind === kind && run.pods === pods)
  const costs = [bare, trivial, gated].map(kind => median(own(kind).map(perPod)).toFixed(2))
  const ratios = own(gated).flatMap(run => {
    const cost = (kind: string) =>
      own(kind)
        .filter(other => other.round === run.round)
        .map(perPod)[0] ?? Number.NaN
    return (cost(gated) - cost(bare)) / (cost(trivial) - cost(bare))
  })
  return `| ${[pods, ...costs, median(ratios).toFixed(2)].join(' | ')} |`
}

/**
 * In which order a round (from 1) takes the kinds, since what one leaves to be cleared away is worked on while the next
 * starts. In as many rounds as there are kinds, each is at each place once and, where their number is even, each comes
 * right after each other one once (a Williams square).
 */
export function orderOf<T>(kinds: readonly T[], round: number): T[] {
  const count = kinds.length
  return Array.from({ length: count }, (_, place) => {
    const step = place % 2 === 1 ? (place + 1) / 2 : count - place / 2
    return kinds[(step + round - 1) % count] as T
  })
}
