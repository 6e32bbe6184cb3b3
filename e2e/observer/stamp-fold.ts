import { type Interval, type Peak, peakOf } from './interval-peak.ts'

/** What one container wrote about itself: `start <ms>` first, `ready <ms>` when it had done its work. */
export interface Stamps {
  name: string
  log: string
}

export interface StampReport {
  peak: Peak
  intervals: Interval[]
  /** Containers whose log has no start line: then the peak says too little. */
  silent: string[]
}

const LINE = /^(start|ready) (\d+)$/gm

/**
 * The second, independent word on who was starting: the containers' own. It is a lower bound of the observer's count,
 * since a container writes `ready` before the kubelet's probe sees it. A start without an end lasts to `untilMs`.
 */
export function foldStamps(all: Stamps[], untilMs: number): StampReport {
  const silent: string[] = []
  const intervals = all.flatMap(({ name, log }) => {
    const lines = [...log.matchAll(LINE)].map(([, word, ms]) => ({ word, ms: Number(ms) }))
    const starts = lines.filter(l => l.word === 'start')
    if (starts.length === 0) silent.push(name)
    return starts.map((start, i) => {
      const nextStartMs = starts[i + 1]?.ms ?? untilMs
      const ready = lines.find(l => l.word === 'ready' && l.ms >= start.ms && l.ms <= nextStartMs)
      return { name, fromMs: start.ms, toMs: ready?.ms ?? nextStartMs }
    })
  })
  return { peak: peakOf(intervals), intervals, silent }
}
