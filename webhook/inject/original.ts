import { isObject } from '../../core/is-object.ts'
import { AGENT, AGENT_ENV } from '../../core/names.ts'
import type { Container, Pod } from '../../core/pod.ts'
import type { SequencedPod } from '../sequence/sequence-model.ts'
import { withoutNotify } from './notify.ts'

/** What a sequenced pod was like before; the agent's environment carries it, as JSON. */
export interface Original {
  /** Names of the app containers, in their order. */
  containers: string[]
  /** terminationGracePeriodSeconds as it was (null: not there) and as it was made. */
  grace?: { was: number | null; is: number }
}

/** Kubernetes' default for terminationGracePeriodSeconds. */
const DEFAULT_GRACE_SECONDS = 30

/** `pod` is without any of ours. */
export function originalOf({ spec }: Pod, { moved }: SequencedPod): Original {
  const containers = spec.containers.map(c => c.name)
  const was = spec.terminationGracePeriodSeconds ?? null
  // The kubelet stops sidecars one after another, each when all that started after it are gone, and all of them share
  // one grace period: 2 s are left to each once it is used up. So there is one for each, and one for the app
  // containers.
  const is = (was ?? DEFAULT_GRACE_SECONDS) * (1 + moved.filter(({ as }) => as === 'sidecar').length)
  return is === (was ?? DEFAULT_GRACE_SECONDS) ? { containers } : { containers, grace: { was, is } }
}

export function formatOriginal(original: Original): string {
  return JSON.stringify(original)
}

/** The pod with all that was moved in its old place, if an agent of ours tells of one; otherwise the pod itself. */
export function withOriginals(pod: Pod, agent: Container | undefined): Pod {
  const original = agent && readOriginal(agent)
  if (!original) return pod
  const places = new Map(original.containers.map((name, index) => [name, index]))
  const inits = pod.spec.initContainers ?? []
  const present = new Set(pod.spec.containers.map(c => c.name))
  const moved = new Set(inits.filter(({ name }) => places.has(name) && !present.has(name)))
  const placeOf = ({ name }: Container) => places.get(name) ?? original.containers.length
  const containers = [
    ...[...moved].map(({ restartPolicy: _, ...container }) => container),
    ...pod.spec.containers,
  ] // biome-ignore format: a list
    .map(container => (places.has(container.name) ? withoutNotify(container) : container))
    .sort((a, b) => placeOf(a) - placeOf(b))
  const { initContainers: _, terminationGracePeriodSeconds: found, ...spec } = pod.spec
  const grace = original.grace && original.grace.is === found ? original.grace.was : found
  const left = inits.filter(container => !moved.has(container))
  return {
    ...pod,
    spec: {
      ...spec,
      containers,
      ...(left.length > 0 && { initContainers: left }),
      ...(typeof grace === 'number' && { terminationGracePeriodSeconds: grace }),
    },
  }
}

/** Of 500 containers with names of 63 characters it has half of that; a longer one is not of our making. */
const MOST_TEXT = 65_536

function readOriginal({ env }: Container): Original | undefined {
  const text = String(env?.find(({ name }) => name === AGENT_ENV.original)?.value)
  if (text.length > MOST_TEXT) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value) || !Array.isArray(value.containers)) return undefined
    if (!value.containers.every(name => typeof name === 'string' && name !== AGENT)) return undefined
    const grace = value.grace
    const isGood = isObject(grace) && typeof grace.is === 'number' && ['number', 'object'].includes(typeof grace.was)
    const was = isGood && typeof grace.was === 'number' ? grace.was : null
    return { containers: value.containers, ...(isGood && { grace: { was, is: Number(grace.is) } }) }
  } catch {
    return undefined
  }
}
