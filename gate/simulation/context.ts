import type { SimApi } from './api.ts'
import type { Checker } from './checker.ts'
import type { SimLeases } from './leases.ts'
import type { SimPod } from './pod.ts'
import type { Situations } from './situations.ts'
import type { Random, Timeline } from './timeline.ts'
import type { LimitTruth } from './truth.ts'

/** Test support. What all parts of one simulated world share. */
export interface SimContext {
  time: Timeline
  random: Random
  /** Of its own, so that a seed without pressure gives the world that it gave before there was any. */
  pressureRandom: Random
  /** The same for `auto`; undefined in worlds without it. */
  autoRandom: Random | undefined
  situations: Situations
  limits: LimitTruth
  checker: Checker
  leases: SimLeases
  api: SimApi
  /** All there ever were, by UID. */
  pods: Map<string, SimPod>
  /** Images truly on a node. */
  imagesOn: (node: string) => Set<string>
}
