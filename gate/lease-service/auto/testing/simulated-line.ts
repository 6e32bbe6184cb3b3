import type { NodeFigures } from '../../../../core/node-figures.ts'
import { type AutoBounds, type AutoState, advanceAuto, newAuto } from '../controller.ts'
import { type AutoSample, NOTHING_ENDED } from '../sample.ts'
import type { Surroundings } from './herd-surroundings.ts'
import type { SimulatedNode, Work } from './node-model.ts'

/** A number: a limit that stays; `auto`: the one that the controller finds. */
export type HerdLimit = number | 'auto'

/** A start that holds a slot, by when its first instruction ran and its work was done. */
interface Begun {
  ranAt: number | undefined
  doneAt: number | undefined
}

interface LineSetting {
  limit: HerdLimit
  bounds: AutoBounds
  surroundings: Surroundings
}

/** Those that start on one node of a machine, and those that wait for it. */
export class SimulatedLine {
  readonly ends: number[] = []
  /** Slots that there were and that were held, summed over ticks, while somebody waited. */
  room = 0
  busy = 0
  readonly #machine: SimulatedNode
  readonly #setting: LineSetting
  readonly #begun = new Set<Begun>()
  readonly #waiting: (readonly Work[])[] = []
  #arriving: number
  #asked = 0
  #told = 0
  #auto: AutoState

  constructor(machine: SimulatedNode, herd: readonly (readonly Work[])[], setting: LineSetting) {
    this.#machine = machine
    this.#setting = setting
    this.#auto = newAuto(setting.bounds, 0)
    this.#arriving = herd.length
    const { arrival, arrivesEach } = setting.surroundings
    for (const [i, work] of herd.entries()) {
      const asks = () => {
        this.#arriving -= 1
        this.#asked += 1
        this.#waiting.push(work)
      }
      if (arrival.length === 0) asks()
      else machine.start([{ kind: 'sleep', seconds: i * arrivesEach }, ...arrival], asks)
    }
  }

  get limit(): number {
    return this.#setting.limit === 'auto' ? this.#auto.limit : this.#setting.limit
  }

  get isShort(): boolean {
    return this.#waiting.length > 0
  }

  get isUnderWay(): boolean {
    return this.#arriving + this.#waiting.length + this.#begun.size > 0
  }

  tick(): void {
    this.#look()
    const wasShort = this.isShort
    while (this.isShort && this.#begun.size < this.limit) this.#start()
    if (!wasShort || !this.isShort) return
    this.room += this.limit
    this.busy += Math.min(this.limit, this.#begun.size)
  }

  /** Ends what is seen to be done. */
  #look(): void {
    for (const begun of this.#begun) {
      const { ranAt = 0, doneAt } = begun
      if (doneAt === undefined || !this.#isSeen(doneAt, ranAt)) continue
      this.#begun.delete(begun)
      this.ends.push(this.#machine.seconds)
    }
  }

  /** Whether a look came since `at`, by one who looks each second from `from` on. */
  #isSeen(at: number, from: number): boolean {
    const nextLook = from + Math.ceil(at - from - 1e-6)
    return !this.#setting.surroundings.looksEachSecond || this.#machine.seconds >= nextLook - 1e-6
  }

  #start(): void {
    const { creation, looksEachSecond } = this.#setting.surroundings
    const { seconds } = this.#machine
    const begun: Begun = { ranAt: undefined, doneAt: undefined }
    this.#begun.add(begun)
    const untilLook: Work[] = looksEachSecond ? [{ kind: 'sleep', seconds: Math.ceil(seconds + 0.01) - seconds }] : []
    const work = this.#waiting.shift() ?? []
    this.#machine.start([...untilLook, ...creation], () => {
      begun.ranAt = this.#machine.seconds
      this.#machine.start(work, () => {
        begun.doneAt = this.#machine.seconds
      })
    })
  }

  /** Takes in the figures of the last second. */
  take(figures: NodeFigures): void {
    this.#auto = advanceAuto(this.#auto, this.#sampleOf(figures), this.#setting.bounds)
  }

  #sampleOf(figures: NodeFigures): AutoSample {
    const [finished, asked] = [this.ends.length - this.#told, this.#asked]
    this.#told = this.ends.length
    this.#asked = 0
    return {
      nowMs: this.#machine.seconds * 1_000,
      figures,
      held: this.#begun.size,
      running: [...this.#begun].filter(({ ranAt }) => ranAt !== undefined && this.#isSeen(ranAt, 0)).length,
      asked,
      isShort: this.isShort,
      ended: { ...NOTHING_ENDED, finished },
    }
  }
}
