import { effectivePullPolicy, fullImageName } from '../../core/image-name.ts'
import { type GateName, IMAGE_STEP_PREFIX, PULL_GATE, START_GATE } from '../../core/names.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { sequenceGateOf } from '../../core/sequence.ts'
import type { Moved, SequencedPod } from '../sequence/sequence-model.ts'

export interface GatePart {
  kind: 'gate'
  name: GateName
}

/** Lets the kubelet pull one image while the pod holds a pull slot. */
export interface ImageStep {
  kind: 'image-step'
  name: string
  /** The container whose image and pull policy are copied. */
  of: Container
}

/** The sidecar that sequences the pod. */
export interface AgentPart {
  kind: 'agent'
  of: SequencedPod
}

/** A gate that the agent opens. */
export interface SequenceGatePart {
  kind: 'sequence-gate'
  name: GateName
  /** The container that the gate stands before, or one of them: it never asks for more than that one. */
  of: Container
}

export interface MovedPart {
  kind: 'moved'
  moved: Moved
}

export type Part = GatePart | ImageStep | AgentPart | SequenceGatePart | MovedPart

/** What goes before the user's init containers, and what after them. */
export interface Plan {
  first: Part[]
  last: Part[]
  /** Of a pod that is not plain. */
  sequenced?: SequencedPod
}

export interface PlanFacts {
  /** Whether every node that the pod may land on has this image. */
  isEverywhere(image: string): boolean
}

/**
 * Which gates and steps a plain pod gets. `pod` is without any of ours. Pulls are always limited: an unset limit of the
 * cluster means max(20, a tenth of the nodes).
 */
export function planPod(pod: Pod, { isEverywhere }: PlanFacts): Plan {
  const steps = imageSteps(pod, isEverywhere)
  return {
    first: steps.length > 0 ? [{ kind: 'gate', name: PULL_GATE }, ...steps] : [],
    last: [{ kind: 'gate', name: START_GATE }],
  }
}

/**
 * What a pod with a sequence gets. The pull gate is there in any case: a plain gate must come first, by which all know
 * that the init containers run again.
 */
export function planSequencedPod(pod: Pod, sequenced: SequencedPod, { isEverywhere }: PlanFacts): Plan {
  const steps = imageSteps(pod, isEverywhere)
  const moved = new Set(sequenced.moved.map(({ container }) => container.name))
  const rest = pod.spec.containers.find(({ name }) => !moved.has(name))
  return {
    sequenced,
    first: [{ kind: 'gate', name: PULL_GATE }, ...steps, { kind: 'agent', of: sequenced }],
    last: [
      ...sequenced.moved.flatMap((moved): Part[] => {
        const { container } = moved
        return [
          { kind: 'sequence-gate', name: sequenceGateOf(container.name), of: container },
          { kind: 'moved', moved },
        ]
      }),
      // What nothing depends on is never moved, so there is one.
      ...(rest ? [{ kind: 'sequence-gate' as const, name: START_GATE as GateName, of: rest }] : []),
    ],
  }
}

/**
 * Longer than any reference that can be pulled: 255 characters of a repository, 128 of a tag and a digest
 * (distribution/reference). Copied into a step, such a name could make a status too large to be written, and the
 * kubelet's word about it would be lost.
 */
const LONGEST_IMAGE = 1_024

/**
 * One step a distinct image that may have to be pulled: not with policy Never, and not where each node has it. With
 * Always the kubelet asks the registry in any case, so that container stands for the image, whoever else uses it.
 */
function imageSteps(pod: Pod, isEverywhere: (image: string) => boolean): ImageStep[] {
  const byImage = new Map<string, Container>()
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    const policy = effectivePullPolicy(container)
    if (!container.image || container.image.length > LONGEST_IMAGE || policy === 'Never') continue
    const image = fullImageName(container.image)
    const known = byImage.get(image)
    if (!known || (policy === 'Always' && effectivePullPolicy(known) !== 'Always')) byImage.set(image, container)
  }
  const needed = [...byImage].filter(([image, of]) => effectivePullPolicy(of) === 'Always' || !isEverywhere(image))
  return needed.map(([, of], index) => ({ kind: 'image-step', name: `${IMAGE_STEP_PREFIX}${index + 1}`, of }))
}
