import { readVerdict } from '../../core/gate-verdict.ts'
import { AGENT, GATE_ENV, IMAGE_STEP_PREFIX } from '../../core/names.ts'
import { withPassedGates } from '../../core/passed-gates.ts'
import type { Container, ContainerStatus, Pod } from '../../core/pod.ts'
import { isGate } from '../../core/sequence.ts'

/** What a gate left in its termination message: its own word, which the pod can forge. */
export interface GateWord {
  verdict: 'granted' | 'failed-open'
  waitedMs: number | undefined
  reason: string | undefined
}

/** Reads a gate's termination message; undefined for anything else. */
export function gateWord(message: string | undefined): GateWord | undefined {
  const { verdict, waitedMs, reason } = readVerdict(message) ?? {}
  return verdict && { verdict, waitedMs, reason: reason?.slice(0, 300) }
}

/** Whether a container is one that the webhook adds: a gate, an image step or the agent. */
export function isOurs({ name }: Pick<Container, 'name'>): boolean {
  return isGate(name) || name === AGENT || name.startsWith(IMAGE_STEP_PREFIX)
}

/** Whether the webhook has gated the pod. */
export function isGated({ spec }: Pod): boolean {
  return (spec.initContainers ?? []).some(({ name }) => isGate(name) || name === AGENT)
}

/** The gates that run now: what the pod waits in. */
export function runningGates(pod: Pod): ContainerStatus[] {
  return (withPassedGates(pod)?.initContainerStatuses ?? []).filter(({ name, state }) => isGate(name) && state?.running)
}

/** How long a gate without contact waits before it lets its pod go, as its environment says; undefined: not written. */
export function failOpenAfter({ spec }: Pod): string | undefined {
  const gate = (spec.initContainers ?? []).find(({ name }) => isGate(name) || name === AGENT)
  return gate?.env?.find(({ name }) => name === GATE_ENV.failOpenAfter)?.value
}

/** A container that the webhook adds, and whose image the kubelet does not get. */
export interface ImageTrouble {
  container: string
  /** As the pod's spec has it. */
  image: string
  reason: string
  message: string
  /** Whose image: startgate's own, or, in an image step, that of a container of the pod. */
  owner: 'startgate' | 'pod'
}

/** Of the containers that the webhook adds, the first whose image the kubelet does not get, with its words. */
export function imageTrouble({ spec, status }: Pod): ImageTrouble | undefined {
  for (const { name, state } of status?.initContainerStatuses ?? []) {
    const { reason = '', message = '' } = state?.waiting ?? {}
    if (!isOurs({ name }) || !IMAGE_REASONS.includes(reason)) continue
    const image = spec.initContainers?.find(container => container.name === name)?.image ?? ''
    const owner = name.startsWith(IMAGE_STEP_PREFIX) ? 'pod' : 'startgate'
    return { container: name, image, reason, message, owner }
  }
  return undefined
}

const IMAGE_REASONS = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']
