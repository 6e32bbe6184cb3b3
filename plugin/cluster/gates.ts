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

/** Of our containers, the first whose image the kubelet does not get, with its words. */
export function imageTrouble({ status }: Pod): { container: string; reason: string; message: string } | undefined {
  for (const { name, state } of status?.initContainerStatuses ?? []) {
    const { reason = '', message = '' } = state?.waiting ?? {}
    if (isOurs({ name }) && IMAGE_REASONS.includes(reason)) return { container: name, reason, message }
  }
  return undefined
}

const IMAGE_REASONS = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']
