import { isDeepStrictEqual } from 'node:util'
import { NOTIFY_VOLUME, SHARED_VOLUME } from '../../core/names.ts'
import type { Container, Pod, ResourceRequirements } from '../../core/pod.ts'
import { byName } from '../pod/by-name.ts'
import { type AgentOptions, agentContainer } from './agent.ts'
import { covers, coversContainer } from './coverage.ts'
import { type GateOptions, gateContainer } from './gate.ts'
import { imageStepContainer } from './image-step.ts'
import { ownAnnotations, ownLabels } from './metadata.ts'
import { movedContainer } from './moved.ts'
import { withNotify } from './notify.ts'
import { originalOf } from './original.ts'
import { isOurContainer, isOurVolume, type ReviewedPod } from './ownership.ts'
import type { Part, Plan } from './plan.ts'
import { sequenceGateContainer, sidecarGateContainer } from './sequence-gate.ts'
import { ownVolumes, type Volume } from './volumes.ts'

/** The parts of the pod that change, as they shall be. What is kept is the same object as in the pod. */
export interface Injection {
  initContainers: Container[]
  containers: Container[]
  volumes: Volume[]
  /** As it shall be; undefined for as it is. */
  terminationGracePeriodSeconds?: number
  /** To be set; others stay. */
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface InjectOptions extends GateOptions, AgentOptions {
  /** Of a gate that the agent opens and that ends. */
  sequenceGateResources(container: Container): ResourceRequirements
  /** Of one that stays; absent: they end. */
  sidecarGateResources?: ResourceRequirements | undefined
}

/** What a pod shall have, whether it has it already, in part, out of date or not at all. */
export function injectionFor(reviewed: ReviewedPod, plan: Plan, options: InjectOptions): Injection {
  const { pod, bare } = reviewed
  const moved = new Set(plan.sequenced?.moved.map(({ container }) => container.name))
  const found = finder(pod.spec.containers)
  const hasNotify = (plan.sequenced?.notifying.length ?? 0) > 0
  const [first] = bare.spec.containers
  const graceSeconds =
    (plan.sequenced && originalOf(bare, plan.sequenced).grace?.is) ?? bare.spec.terminationGracePeriodSeconds
  return {
    initContainers: initContainers(reviewed, plan, options),
    containers: bare.spec.containers
      .filter(({ name }) => !moved.has(name))
      .map(container => kept(found, notified(container, plan))),
    volumes: volumes(pod.spec.volumes ?? [], hasNotify),
    ...(typeof graceSeconds === 'number' && { terminationGracePeriodSeconds: graceSeconds }),
    labels: ownLabels(),
    annotations: ownAnnotations(pod.metadata, {
      volumes: hasNotify ? [SHARED_VOLUME, NOTIFY_VOLUME] : [SHARED_VOLUME],
      ...(first && moved.has(first.name) && { firstContainer: first.name }),
    }),
  }
}

/** The pod with the injection: what the patch must lead to. */
export function injected(pod: Pod, injection: Injection): Pod {
  const { labels, annotations, ...spec } = injection
  const metadata = { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } }
  if (Object.keys(annotations).length > 0) metadata.annotations = { ...metadata.annotations, ...annotations }
  return { ...pod, metadata, spec: { ...pod.spec, ...spec } }
}

function initContainers({ pod, bare }: ReviewedPod, plan: Plan, options: InjectOptions): Container[] {
  const found = finder(pod.spec.initContainers)
  const ours = Map.groupBy((pod.spec.initContainers ?? []).filter(isOurContainer), ({ name }) => name)
  const make = (part: Part, i: number, parts: readonly Part[]): Container => {
    if (part.kind === 'moved') return kept(found, notified(movedContainer(part.moved), plan))
    const wanted = ownContainer(part, bare, opensLate(parts[i - 1]) ? gatesThatEnd(options) : options)
    return ours.get(wanted.name)?.find(c => coversContainer(c, wanted)) ?? wanted
  }
  return [...plan.first.map(make), ...(bare.spec.initContainers ?? []), ...plan.last.map(make)]
}

/**
 * A pod's probes are all called at one beat, each second. A gate that the kubelet makes because a startup probe has
 * just succeeded is first probed a second later: its end is noticed sooner, by the next relist.
 */
function opensLate(before: Part | undefined): boolean {
  return before?.kind === 'moved' && before.moved.container.startupProbe !== undefined
}

function gatesThatEnd({ sidecarGateResources, ...options }: InjectOptions): InjectOptions {
  return options
}

function ownContainer(part: Exclude<Part, { kind: 'moved' }>, bare: Pod, options: InjectOptions): Container {
  switch (part.kind) {
    case 'gate':
      return gateContainer(part.name, options)
    case 'image-step':
      return imageStepContainer(part.name, part.of, options)
    case 'agent':
      return agentContainer(bare, part.of, options)
    case 'sequence-gate':
      if (options.sidecarGateResources) return sidecarGateContainer(part.name, options.sidecarGateResources, options)
      return sequenceGateContainer(part.name, options.sequenceGateResources(part.of), options)
  }
}

function notified(container: Container, { sequenced }: Plan): Container {
  return sequenced?.notifying.includes(container.name) ? withNotify(container) : container
}

interface Finder {
  all: ReadonlySet<Container>
  named: ReadonlyMap<string, Container>
}

function finder(containers: Container[] | null | undefined): Finder {
  return { all: new Set(containers), named: byName(containers) }
}

/** The container as found, if it is what is wanted. */
function kept({ all, named }: Finder, wanted: Container): Container {
  if (all.has(wanted)) return wanted
  const found = named.get(wanted.name)
  return found && isDeepStrictEqual(found, wanted) ? found : wanted
}

function volumes(found: Volume[], hasNotify: boolean): Volume[] {
  const missing = new Map(ownVolumes({ hasNotify }).map(volume => [volume.name, volume]))
  const kept = found.map(volume => {
    const wanted = isOurVolume(volume) ? missing.get(volume.name) : undefined
    if (!wanted) return volume
    missing.delete(volume.name)
    return covers(volume, wanted) ? volume : wanted
  })
  return [...kept, ...missing.values()]
}
