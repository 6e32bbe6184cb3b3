import { autoBoundsOf } from '../gate/lease-service/auto/bounds.ts'
import { type HerdResult, runHerd } from '../gate/lease-service/auto/testing/herd.ts'
import { HERD_KINDS, type HerdKind, herdOf } from '../gate/lease-service/auto/testing/herd-kinds.ts'
import type { HerdLimit } from '../gate/lease-service/auto/testing/simulated-line.ts'

/*
 * Simulated herds under limits that stay and under `auto`: prints a table, each figure of `auto` as a multiple of the
 * best there is among all limits that stay. Simulated time: the same on any machine.
 */

const CORES = [1, 2, 4, 16, 64]
const SECONDS = [2, 10, 60, 120]

const median = ({ ends }: HerdResult): number => ends[Math.floor(ends.length / 2)] ?? 0
const last = ({ ends }: HerdResult): number => ends.at(-1) ?? 0

interface Row {
  median: number
  last: number
  slotsBusy: number
}

function rowOf(cores: number, kind: HerdKind, seconds: number): Row {
  const herd = herdOf(kind, Math.max(40, 10 * cores), seconds)
  const bounds = autoBoundsOf(cores)
  const model = { cores, cpuPenalty: 0.1, diskPenalty: 0.1, othersAt: () => 0 }
  const run = (limit: HerdLimit): HerdResult => runHerd(model, herd, { limit, bounds })
  const fixed = [1, 2, 4, 8, 16, 32, 64, 128, 256].filter(limit => limit <= bounds.max).map(run)
  const auto = run('auto')
  return {
    median: median(auto) / Math.min(...fixed.map(median)),
    last: last(auto) / Math.min(...fixed.map(last)),
    slotsBusy: auto.slotsBusy,
  }
}

const shown = (ratio: number): string => ratio.toFixed(2)

console.log(`| starts | cores | ${SECONDS.map(seconds => `of ${seconds} s`).join(' | ')} |`)
console.log(`| --- | --- |${' --- |'.repeat(SECONDS.length)}`)
let slotsBusy = 1
for (const kind of HERD_KINDS)
  for (const cores of CORES) {
    // One disk for 64 cores and minutes: nobody has that, and it takes long to compute.
    if (kind === 'disk' && cores > 16) continue
    const rows = SECONDS.filter(seconds => cores < 64 || seconds < 60).map(seconds => rowOf(cores, kind, seconds))
    slotsBusy = Math.min(slotsBusy, ...rows.map(row => row.slotsBusy))
    console.log(`| ${kind} | ${cores} | ${rows.map(row => `${shown(row.median)} / ${shown(row.last)}`).join(' | ')} |`)
  }
console.log(`slots held while somebody waits, at least: ${(slotsBusy * 100).toFixed(1)} %`)
