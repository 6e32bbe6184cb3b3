import { cut, InvalidValueError, instead } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'
import {
  AGENT,
  IMAGE_STEP_PREFIX,
  NOTIFY_VOLUME,
  OWN_PREFIX,
  PULL_GATE,
  SHARED_VOLUME,
  START_GATE,
  TOKEN_AUDIENCE,
  TOKEN_VOLUME,
} from '../../core/names.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { isSequenceGate } from '../../core/sequence.ts'
import { isScriptOf } from './agent.ts'
import { GATE_COMMAND, GATE_SHELL_COMMAND } from './gate.ts'
import { IMAGE_STEP_COMMAND } from './image-step.ts'
import { withOriginals } from './original.ts'
import type { Volume } from './volumes.ts'

/**
 * Whether this init container is of our making, by what it runs; its settings may be another version's. A review can
 * show our own containers: in reinvocation (perhaps by a replica of the version before), in a restored backup, in a pod
 * copied by `kubectl debug`. Such are brought up to date; denying them would refuse pods during each upgrade.
 */
export function isOurContainer({ name, command }: Container): boolean {
  const words = command ?? []
  if (name === AGENT) return isScriptOf(name, words)
  if (name === PULL_GATE) return isGate(words)
  if (isSequenceGate(name)) return isScriptOf(name, words) || (name === START_GATE && isGate(words))
  return isImageStepName(name) && isSame(words, IMAGE_STEP_COMMAND)
}

/** Of either kind: a pod may have been made before waiters were switched on, or off. */
function isGate(words: string[]): boolean {
  return isSame(words, GATE_COMMAND) || isSame(words, GATE_SHELL_COMMAND)
}

export function isOurVolume(volume: Volume): boolean {
  if (volume.name === SHARED_VOLUME || volume.name === NOTIFY_VOLUME) return isObject(volume.emptyDir)
  if (volume.name !== TOKEN_VOLUME || !isObject(volume.projected)) return false
  const { sources } = volume.projected
  if (!Array.isArray(sources) || sources.length !== 1 || !isObject(sources[0])) return false
  const token = sources[0].serviceAccountToken
  return isObject(token) && token.audience === TOKEN_AUDIENCE
}

/**
 * The pod as the user wrote it: without what is of our making, and what was moved in its old place. What we did not
 * change is the same object as before.
 */
export function withoutOurs(pod: Pod): Pod {
  const { initContainers, ...spec } = pod.spec
  const users = (initContainers ?? []).filter(c => !isOurContainer(c))
  const agent = (initContainers ?? []).find(c => c.name === AGENT && isOurContainer(c))
  return withOriginals({ ...pod, spec: { ...spec, ...(users.length > 0 && { initContainers: users }) } }, agent)
}

/** A pod that a review shows: as it came, and without ours. Made once for a review, since a pod can be large. */
export interface ReviewedPod {
  pod: Pod
  bare: Pod
}

export function reviewedPod(pod: Pod): ReviewedPod {
  return { pod, bare: withoutOurs(pod) }
}

/** One sentence for each thing of the user's that bears one of our names; `bare` is without ours. */
export function nameProblems(bare: Pod): string[] {
  const { containers, initContainers, ephemeralContainers, volumes } = bare.spec
  const usersVolumes = (volumes ?? []).filter(v => !isOurVolume(v))
  const ephemeral = (ephemeralContainers ?? []) as Container[]
  const users = [...(initContainers ?? []), ...containers, ...ephemeral]
  const problem = (kind: string, name: string) =>
    new InvalidValueError(
      kind,
      name,
      instead("is a name of startgate's own", `one that does not begin with ${OWN_PREFIX}`),
    ).message
  return [
    ...users.filter(c => isOwnName(c.name)).map(c => problem('container', c.name)),
    ...usersVolumes.filter(v => isOwnName(v.name)).map(v => problem('volume', v.name)),
    ...users.flatMap(c =>
      (c.volumeMounts ?? [])
        .filter(mount => OWN_VOLUMES.includes(mount.name))
        .map(
          mount => new InvalidValueError(`volumeMounts of container ${cut(c.name)}`, mount.name, OWN_VOLUME).message,
        ),
    ),
  ]
}

const OWN_VOLUME = instead("is startgate's own volume", 'a volume of the pod')
const OWN_VOLUMES: readonly string[] = [SHARED_VOLUME, NOTIFY_VOLUME, TOKEN_VOLUME]

function isOwnName(name: string): boolean {
  return name.startsWith(OWN_PREFIX)
}

function isImageStepName(name: string): boolean {
  return name.startsWith(IMAGE_STEP_PREFIX) && /^[1-9]\d*$/.test(name.slice(IMAGE_STEP_PREFIX.length))
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index])
}
