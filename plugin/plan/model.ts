import type { GateName } from '../../core/names.ts'
import type { LimitFacts } from '../../gate/lease-service/limits/scope.ts'

/** A container of a pod that is planned. */
export interface PlannedContainer {
  name: string
  /** From its grant to ready, ms. */
  startMs: number
  /** From its grant on its slot comes back then, ready or not, ms. */
  timeoutMs: number
}

/** What must hold before a stage asks: `started` holds from the grant of its stage on, the others when it is ready. */
export interface PlannedDependency {
  container: string
  isStartedEnough: boolean
}

/** Containers that take their slots together. */
export interface PlannedStage {
  gate: GateName
  containers: PlannedContainer[]
  dependsOn: PlannedDependency[]
}

/** A gated pod of the herd, created at 0 ms, or when the one before it is ready. */
export interface PlannedPod {
  /** Tells pods apart, and in its order the older goes first. */
  uid: string
  /** Index into the herd's workloads. */
  workload: number
  namespace: string
  nodeName: string
  priority: number
  stages: PlannedStage[]
  /** Its namespace is observed: it waits for nothing, and its starts count as debt. */
  isObserved: boolean
  /** Place in the herd of the pod before it in an ordered StatefulSet; undefined for all others. */
  after: number | undefined
}

/** What a run goes by. */
export interface PlanWorld {
  pods: readonly PlannedPod[]
  facts: LimitFacts
}

/** A limit as it is told: one for all nodes that have it of the same place. */
export interface PlanLimit {
  kind: string
  /** `the cluster`, `each node`, `namespace shop` … */
  subject: string
  limit: number
  windowMs?: number
  source: string
}

/** A limit, and how long it held back more pods than any other did. */
export interface Bottleneck extends PlanLimit {
  ms: number
}

/** What became of the herd in virtual time. */
export interface PlanRun {
  /** By the pod's place in the herd: when all of it was ready, ms; Infinity: never. */
  readyAtMs: number[]
  mostStarting: number
  /** Longest first. */
  bottlenecks: Bottleneck[]
  /** Time in which any pod waited for a slot, ms. */
  waitingMs: number
  /** Pods that ran alone in a scope since they are larger than its limit. */
  oversize: number
  /** Pods whose slot came back before they were ready. */
  timedOut: number
}
