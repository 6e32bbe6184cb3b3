import type { Container, Pod } from '../../core/pod.ts'
import type { Part, Plan } from '../plan.ts'
import { covers, coversContainer } from './coverage.ts'
import { type GateOptions, gateContainer } from './gate.ts'
import { imageStepContainer } from './image-step.ts'
import { ownAnnotations, ownLabels } from './metadata.ts'
import { isOurContainer, isOurVolume, withoutOurs } from './ownership.ts'
import { ownVolumes, type Volume } from './volumes.ts'

/** The parts of the pod that change, as they shall be. What is kept is the same object as in the pod. */
export interface Injection {
  initContainers: Container[]
  volumes: Volume[]
  /** To be set; others stay. */
  labels: Record<string, string>
  annotations: Record<string, string>
}

/** What a pod shall have, whether it has it already, in part, out of date or not at all. */
export function injectionFor(pod: Pod, plan: Plan, options: GateOptions): Injection {
  return {
    initContainers: initContainers(pod, plan, options),
    volumes: volumes(pod.spec.volumes ?? []),
    labels: ownLabels(),
    annotations: ownAnnotations(pod.metadata),
  }
}

/** The pod with the injection: what the patch must lead to. */
export function injected(pod: Pod, { initContainers, volumes, labels, annotations }: Injection): Pod {
  const metadata = { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } }
  if (Object.keys(annotations).length > 0) metadata.annotations = { ...metadata.annotations, ...annotations }
  return { ...pod, metadata, spec: { ...pod.spec, initContainers, volumes } }
}

function initContainers(pod: Pod, plan: Plan, options: GateOptions): Container[] {
  const found = pod.spec.initContainers ?? []
  const bare = withoutOurs(pod)
  const make = (part: Part): Container => {
    const wanted = part.kind === 'gate' ? gateContainer(part.name, options) : imageStepContainer(part.name, part.of)
    return found.find(c => isOurContainer(c) && coversContainer(c, wanted)) ?? wanted
  }
  return [...plan.first.map(make), ...(bare.spec.initContainers ?? []), ...plan.last.map(make)]
}

function volumes(found: Volume[]): Volume[] {
  const missing = new Map(ownVolumes().map(volume => [volume.name, volume]))
  const kept = found.map(volume => {
    const wanted = isOurVolume(volume) ? missing.get(volume.name) : undefined
    if (!wanted) return volume
    missing.delete(volume.name)
    return covers(volume, wanted) ? volume : wanted
  })
  return [...kept, ...missing.values()]
}
