import type { NodeFigures } from '../../../../core/node-figures.ts'

/** Work that follows the one before it; exactly one of the three. */
export type Work =
  /** `threads` that each want a CPU, until they have had so many seconds of one together. */
  | { kind: 'cpu'; seconds: number; threads: number }
  | { kind: 'sleep'; seconds: number }
  /** Seconds that the disk takes when nobody else uses it. */
  | { kind: 'disk'; seconds: number }

export interface NodeModel {
  cores: number
  /** What one task more for each CPU costs all of them: 0.1 means that twice as many tasks as CPUs do a tenth less. */
  cpuPenalty: number
  /** What many users cost the disk in seeks: 0.3 means that with many it takes up to 1.3 times as long. */
  diskPenalty: number
  /** Threads of others at a time; they do not end. */
  othersAt: (second: number) => number
}

interface Running {
  /** Of its work: which, and what is left of it, in seconds. */
  at: number
  left: number
  work: readonly Work[]
  onEnd: () => void
}

const TICK = 0.05

/** A node that shares its CPUs and its disk equally, in simulated time. */
export class SimulatedNode {
  readonly #model: NodeModel
  readonly #running = new Set<Running>()
  /** Sums of the second under way, and the means of 10 s as the kernel makes them. */
  #sums = { busy: 0, ioWait: 0, full: 0, some: 0, ticks: 0 }
  #someOf10 = 0
  #runnable = 0
  seconds = 0

  constructor(model: NodeModel) {
    this.#model = model
  }

  start(work: readonly Work[], onEnd: () => void): void {
    this.#running.add({ at: 0, left: work[0]?.seconds ?? 0, work, onEnd })
  }

  /** One tick on. */
  tick(): void {
    const { cores, cpuPenalty, diskPenalty, othersAt } = this.#model
    const now = [...this.#running].map(each => ({ each, work: each.work[each.at] }))
    const threads = now.reduce((sum, { work }) => sum + (work?.kind === 'cpu' ? work.threads : 0), 0)
    const tasks = threads + othersAt(this.seconds)
    const users = now.filter(({ work }) => work?.kind === 'disk').length
    const crowd = Math.max(1, tasks / cores)
    const cpuEach = 1 / crowd / (1 + cpuPenalty * (crowd - 1))
    const diskEach = 1 / Math.max(1, users) / (1 + diskPenalty * (1 - 1 / Math.max(1, users)))
    this.#observe(tasks, users)
    for (const { each, work } of now) {
      if (work?.kind === 'cpu') advance(each, cpuEach * work.threads)
      else advance(each, work?.kind === 'disk' ? diskEach : 1)
      if (each.at < each.work.length) continue
      this.#running.delete(each)
      each.onEnd()
    }
    this.seconds += TICK
  }

  #observe(tasks: number, users: number): void {
    const { cores } = this.#model
    const busy = Math.min(1, tasks / cores)
    const sums = this.#sums
    sums.busy += busy
    sums.ioWait += Math.min(1 - busy, users / cores)
    sums.full += users > 0 && tasks === 0 ? 1 : 0
    sums.some += users > 0 ? 1 : 0
    sums.ticks += 1
    this.#runnable = tasks
  }

  /** Of the time since it was last asked; the one who counts is a task too. */
  figures(): NodeFigures {
    const { busy, ioWait, full, some, ticks } = this.#sums
    this.#sums = { busy: 0, ioWait: 0, full: 0, some: 0, ticks: 0 }
    this.#someOf10 += ((some / ticks) * 100 - this.#someOf10) * (1 - Math.exp(-1 / 10))
    return {
      cores: this.#model.cores,
      busy: busy / ticks,
      ioWait: ioWait / ticks,
      runnable: Math.round(this.#runnable),
      pressure: { cpu: 0, io: this.#someOf10, memory: 0 },
      stalled: { io: (full / ticks) * 100, memory: 0 },
    }
  }
}

function advance(running: Running, share: number): void {
  running.left -= share * TICK
  while (running.left <= 1e-9 && running.at < running.work.length) {
    running.at += 1
    running.left += running.work[running.at]?.seconds ?? 0
  }
}
