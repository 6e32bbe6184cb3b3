import type { PodSettings } from '../../core/annotations.ts'
import { dependencyOrder } from '../../core/dependency-order.ts'
import { START_GATE } from '../../core/names.ts'
import type { Pod } from '../../core/pod.ts'
import type { Readiness } from '../../core/readiness.ts'
import { type Dependency, type Stage, sequenceGateOf } from '../../core/sequence.ts'
import { agentMount, agentView, busUser } from './agent-mounts.ts'
import { parseDependsOn } from './depends-on.ts'
import { defaultReadiness, parseReadiness } from './readiness.ts'
import type { Declared, Moved, SequencedPod } from './sequence-model.ts'
import { sequenceProblems } from './sequence-rules.ts'

export type SequencePlan = { kind: 'plain' } | SequencedPod | { kind: 'denied'; problems: string[] }

/** How the containers of `pod` (without any of ours) are to start. Pure. */
export function planSequence(pod: Pod, settings: PodSettings): SequencePlan {
  // Most pods declare nothing.
  if (settings.dependsOn === undefined && settings.readiness === undefined && !settings.helpers)
    return { kind: 'plain' }
  const { dependencies, problems: edgeProblems } = parseDependsOn(settings.dependsOn ?? '{}', pod)
  const { declared, problems: readinessProblems } = parseReadiness(settings.readiness ?? '{}', pod)
  const misread = [...edgeProblems, ...readinessProblems]
  if (misread.length > 0) return { kind: 'denied', problems: misread }
  const readiness = readinessOfAll(pod, declared, dependencies)
  const moved = movedOf(pod, dependencies, readiness)
  const helpers = settings.helpers ?? []
  const problems = sequenceProblems({ pod, helpers, dependencies, declared, readiness, moved })
  if (problems.length > 0) return { kind: 'denied', problems }
  const isPlain = pod.spec.containers.every(c => readiness.get(c.name)?.type === defaultReadiness(c).type)
  if (moved.length === 0 && isPlain) return { kind: 'plain' }
  return sequenced({ pod, dependencies, readiness, moved })
}

type Known = Pick<Declared, 'pod' | 'dependencies' | 'readiness' | 'moved'>

function sequenced({ pod, dependencies, readiness, moved }: Known): SequencedPod {
  const all = [...readiness]
  const agentUser = busUser(readiness, pod)
  return {
    kind: 'sequenced',
    sequence: {
      stages: stagesOf(pod, moved, dependencies),
      readiness: Object.fromEntries(all.map(([name, given]) => [name, agentView(name, given, pod)])),
    },
    moved,
    notifying: all.filter(([, { type }]) => type === 'notify').map(([name]) => name),
    agentMounts: all.flatMap(([name, given]) => agentMount(name, given, pod) ?? []),
    ...(agentUser !== undefined && { agentUser }),
  }
}

/** A container that others wait for to complete counts as ready when it has. */
function readinessOfAll(
  { spec }: Pod,
  declared: Map<string, Readiness>,
  dependencies: Map<string, Dependency[]>,
): Map<string, Readiness> {
  const all = [...dependencies.values()].flat()
  const completing = new Set(all.filter(d => d.condition === 'completed').map(d => d.container))
  return new Map(
    spec.containers.map(c => {
      const otherwise: Readiness = completing.has(c.name) ? { type: 'completed' } : defaultReadiness(c)
      return [c.name, declared.get(c.name) ?? otherwise]
    }),
  )
}

/** In topological order; ties keep the order of the pod. */
function movedOf({ spec }: Pod, dependencies: Map<string, Dependency[]>, readiness: Map<string, Readiness>): Moved[] {
  const namesIn = (name: string) => (dependencies.get(name) ?? []).map(dependency => dependency.container)
  const dependedOn = new Set([...dependencies.keys()].flatMap(namesIn))
  const nodes = spec.containers.map(c => c.name).filter(name => dependedOn.has(name))
  const ordering = dependencyOrder(nodes, namesIn)
  const byName = new Map(spec.containers.map(c => [c.name, c]))
  const order = ordering.kind === 'order' ? ordering.order : []
  return order.flatMap(name => {
    const container = byName.get(name)
    const as = readiness.get(name)?.type === 'completed' ? 'init' : 'sidecar'
    return container ? [{ container, as } as const] : []
  })
}

function stagesOf({ spec }: Pod, moved: Moved[], dependencies: Map<string, Dependency[]>): Stage[] {
  const names = new Set(moved.map(({ container }) => container.name))
  const rest = spec.containers.map(c => c.name).filter(name => !names.has(name))
  return [
    ...moved.map(({ container: { name } }) => ({
      gate: sequenceGateOf(name),
      containers: [name],
      dependsOn: dependencies.get(name) ?? [],
    })),
    { gate: START_GATE, containers: rest, dependsOn: unionOf(rest.map(name => dependencies.get(name) ?? [])) },
  ]
}

function unionOf(lists: Dependency[][]): Dependency[] {
  return [...new Map(lists.flat().map(d => [`${d.container} ${d.condition}`, d])).values()]
}
