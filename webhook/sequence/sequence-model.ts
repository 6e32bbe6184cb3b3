import type { Container, Pod, VolumeMount } from '../../core/pod.ts'
import type { Readiness } from '../../core/readiness.ts'
import type { Dependency, Sequence } from '../../core/sequence.ts'

/** A container that others wait for, and what it becomes. */
export interface Moved {
  container: Container
  /** `sidecar`: a native sidecar. `init`: a plain init container, for others wait until it has completed. */
  as: 'sidecar' | 'init'
}

export interface SequencedPod {
  kind: 'sequenced'
  sequence: Sequence
  /** In the order of the stages. */
  moved: Moved[]
  /** Containers that get a notify socket. */
  notifying: string[]
  /** What the agent must see to judge readiness. */
  agentMounts: VolumeMount[]
  /** The user it must be for that, if not any. */
  agentUser?: number
}

/** What is declared of a pod's containers, read and without faults of its own. */
export interface Declared {
  pod: Pod
  helpers: readonly string[]
  dependencies: Map<string, Dependency[]>
  /** Of those that the annotation names. */
  declared: Map<string, Readiness>
  /** Of all app containers. */
  readiness: Map<string, Readiness>
  moved: Moved[]
}
