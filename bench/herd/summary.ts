import { median } from '../quantiles.ts'
import type { RunFigures } from './figures.ts'
import type { Variant } from './options.ts'

/** One run as it is kept. */
export interface Run extends RunFigures {
  variant: Variant
  /** From 1. */
  round: number
  /** Pods of the run. */
  pods: number
  /** Ms from apply to the end of the watch. */
  tookMs: number
}

/** The run of a variant whose last pod was ready neither first nor last of its rounds; of an even number the later. */
export function medianRun(runs: readonly Run[]): Run | undefined {
  const lastMs = (run: Run) => run.lastMs ?? Number.POSITIVE_INFINITY
  const ordered = runs.toSorted((a, b) => lastMs(a) - lastMs(b) || a.ready - b.ready || a.round - b.round)
  return ordered[Math.floor(ordered.length / 2)]
}

/** Runs by their variant, in the order in which each first came. */
export const byVariant = (runs: readonly Run[]): Map<Variant, Run[]> => Map.groupBy(runs, run => run.variant)

/** A table in Markdown: a line for each variant, each figure the median of its rounds. */
export function herdTable(runs: readonly Run[]): string {
  const groups = byVariant(runs)
  const ungated = groups.get('ungated')
  const head = ['starts a node', 'ready', 'first', 'median', 'p95', 'last', 'median and last : ungated']
  const rows = [...groups].map(([variant, own]) => [
    variant,
    readyText(own),
    ...(['firstMs', 'medianMs', 'p95Ms', 'lastMs'] as const).map(field => secondsText(medianOf(own, field))),
    ungated && variant !== 'lone' && variant !== 'ungated' ? ratios(own, ungated) : '–',
    String(medianOf(own, 'restarts')),
    `${Math.round(medianOf(own, 'cpuSeconds'))} s`,
    busyText(own),
  ])
  const lines = [
    [...head, 'restarts', 'CPU', 'slots busy while a line waits'],
    head.map(() => '---').concat('---', '---', '---'),
    ...rows,
  ]
  return lines.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

type Field = 'firstMs' | 'medianMs' | 'p95Ms' | 'lastMs' | 'restarts' | 'cpuSeconds'

/** Infinity where most rounds did not come so far. */
const medianOf = (runs: readonly Run[], field: Field): number => {
  const middle = median(runs.map(run => run[field] ?? Number.POSITIVE_INFINITY))
  // The mean of two that never came.
  return Number.isNaN(middle) ? Number.POSITIVE_INFINITY : middle
}

function readyText(runs: readonly Run[]): string {
  const counts = [...new Set(runs.map(run => run.ready))].sort((a, b) => a - b)
  return `${counts.join(', ')} of ${runs[0]?.pods ?? 0}`
}

const secondsText = (ms: number): string => (Number.isFinite(ms) ? `${Math.round(ms / 1_000)} s` : 'never')

function ratios(own: readonly Run[], ungated: readonly Run[]): string {
  const ratio = (field: Field) => {
    const [mine, theirs] = [medianOf(own, field), medianOf(ungated, field)]
    if (!Number.isFinite(theirs)) return Number.isFinite(mine) ? '0' : '–'
    return Number.isFinite(mine) ? (mine / theirs).toFixed(2) : '–'
  }
  return `${ratio('medianMs')}, ${ratio('lastMs')}`
}

function busyText(runs: readonly Run[]): string {
  const shares = runs.flatMap(run => run.slotsBusy ?? [])
  return shares.length === 0 ? '–' : `${Math.round(100 * median(shares))} %`
}

/**
 * How much later the first of the herd is ready at one start a node than a pod that is alone, in s, the median of the
 * rounds; undefined unless both were measured.
 */
export function firstOverLone(runs: readonly Run[]): number | undefined {
  const groups = byVariant(runs)
  const [lone, one] = [groups.get('lone'), groups.get('1')]
  if (!lone || !one) return undefined
  const overMs = medianOf(one, 'firstMs') - medianOf(lone, 'firstMs')
  return Number.isFinite(overMs) ? overMs / 1_000 : undefined
}

/**
 * Median and last of `auto` over the least that any number of starts a node has come to, which need not be the same
 * number for both; undefined unless both were measured and came to all.
 */
export function overBestStatic(runs: readonly Run[]): [median: number, last: number] | undefined {
  const groups = [...byVariant(runs)]
  const auto = groups.find(([variant]) => variant === 'auto')?.[1] ?? []
  const statics = groups.filter(([variant]) => Number.isInteger(Number(variant))).map(([, own]) => own)
  const ratio = (field: Field) => medianOf(auto, field) / Math.min(...statics.map(own => medianOf(own, field)))
  const ratios: [number, number] = [ratio('medianMs'), ratio('lastMs')]
  return ratios.every(Number.isFinite) && statics.length > 0 ? ratios : undefined
}
