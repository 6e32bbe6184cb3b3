import type { GateName } from '../../../core/names.ts'
import type { Container, Pod } from '../../../core/pod.ts'
import { type Sequence, sequenceOfPod } from '../../../core/sequence.ts'

const known = new WeakMap<Pod['spec'], Sequence | 'none'>()

/**
 * The sequence in the spec of a pod; undefined for a plain pod. Read once a spec object, which nobody ever writes to.
 */
export function sequenceOf(pod: Pod): Sequence | undefined {
  const before = known.get(pod.spec)
  if (before !== undefined) return before === 'none' ? undefined : before
  const sequence = sequenceOfPod(pod)
  known.set(pod.spec, sequence ?? 'none')
  return sequence
}

/** The containers that take start slots: app containers, also moved ones. */
export function startersOf(pod: Pod): string[] {
  return sequenceOf(pod)?.stages.flatMap(stage => stage.containers) ?? pod.spec.containers.map(c => c.name)
}

/** Which stage a gate opens, counted from 0; -1 for a gate of none. */
export function stageIndexOf(sequence: Sequence, gate: GateName): number {
  return sequence.stages.findIndex(stage => stage.gate === gate)
}

/** A container by its name, wherever the webhook put it. */
export function containerOf(pod: Pod, name: string): Container | undefined {
  return pod.spec.containers.find(c => c.name === name) ?? pod.spec.initContainers?.find(c => c.name === name)
}

/** Who waits for a container, in the end and in the pod's order: its dependents, theirs, and so on. */
export function dependentsOf({ stages }: Sequence, container: string): string[] {
  const waiting = new Set([container])
  // Stages are in topological order, so one pass finds them all.
  for (const { containers, dependsOn } of stages) {
    if (dependsOn.some(d => waiting.has(d.container))) for (const name of containers) waiting.add(name)
  }
  waiting.delete(container)
  return [...waiting]
}
