import type { ClusterConfig } from '../../core/cluster-config.ts'
import type { Namespace, Pod } from '../../core/pod.ts'
import type { State } from '../../core/state-api.ts'
import type { WaitingGate } from '../../core/state-rows.ts'
import type { Fact } from '../cluster/facts.ts'

/** All that `explain` tells of one pod from. */
export interface PodFacts {
  /** By the clock of who asks, ms since the epoch. */
  nowMs: number
  namespace: string
  pod: ExplainedPod
  /** About the pod, in any order. */
  events: Fact<PodEvent[]>
  namespaceObject: Fact<Namespace>
  config: Fact<ClusterConfig>
  /** What the leader says of this pod. `problem` is a sentence. */
  state: { kind: 'known'; state: State; ahead: WaitingGate[] } | { kind: 'unknown'; problem: string }
}

/** A pod with what is read of it besides. */
export type ExplainedPod = Omit<Pod, 'status'> & {
  status?: Omit<NonNullable<Pod['status']>, 'conditions'> & { conditions?: PodCondition[] }
}

export interface PodCondition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

export interface PodEvent {
  reason?: string
  message?: string
  type?: string
  count?: number
  firstTimestamp?: string | null
  lastTimestamp?: string | null
  eventTime?: string | null
  series?: { count?: number; lastObservedTime?: string } | null
}
