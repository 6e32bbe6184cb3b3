import {
  IMAGE_STEP_PREFIX,
  OWN_PREFIX,
  PULL_GATE,
  SHARED_VOLUME,
  START_GATE,
  TOKEN_AUDIENCE,
  TOKEN_VOLUME,
} from '../../core/names.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { isObject } from '../json-shape.ts'
import { GATE_COMMAND } from './gate.ts'
import { IMAGE_STEP_COMMAND } from './image-step.ts'
import type { Volume } from './volumes.ts'

/**
 * Whether this init container is of our making, by what it runs; its settings may be another version's. A review can show
 * our own containers: in reinvocation (perhaps by a replica of the version before), in a restored backup, in a pod copied
 * by `kubectl debug`. Such are brought up to date; denying them would refuse pods during each upgrade.
 */
export function isOurContainer({ name, command = [] }: Container): boolean {
  if (name === PULL_GATE || name === START_GATE) return isSame(command, GATE_COMMAND)
  return isImageStepName(name) && isSame(command, IMAGE_STEP_COMMAND)
}

export function isOurVolume(volume: Volume): boolean {
  if (volume.name === SHARED_VOLUME) return isObject(volume.emptyDir)
  if (volume.name !== TOKEN_VOLUME || !isObject(volume.projected)) return false
  const { sources } = volume.projected
  if (!Array.isArray(sources) || sources.length !== 1 || !isObject(sources[0])) return false
  const token = sources[0].serviceAccountToken
  return isObject(token) && token.audience === TOKEN_AUDIENCE
}

/** The pod without what is of our making. What is the user's is the same object as before. */
export function withoutOurs(pod: Pod): Pod {
  const { initContainers, ...spec } = pod.spec
  const users = (initContainers ?? []).filter(c => !isOurContainer(c))
  return { ...pod, spec: { ...spec, ...(users.length > 0 && { initContainers: users }) } }
}

/** One sentence for each thing of the user's that bears one of our names. */
export function nameProblems(pod: Pod): string[] {
  const { containers, initContainers, ephemeralContainers, volumes } = pod.spec
  const usersInit = (initContainers ?? []).filter(c => !isOurContainer(c))
  const usersVolumes = (volumes ?? []).filter(v => !isOurVolume(v))
  const ephemeral = (ephemeralContainers ?? []) as Container[]
  const users = [...usersInit, ...containers, ...ephemeral]
  const problem = (kind: string, name: string) =>
    `${kind} "${name}": names that begin with ${OWN_PREFIX} are startgate's own, please choose another`
  return [
    ...users.filter(c => isOwnName(c.name)).map(c => problem('container', c.name)),
    ...usersVolumes.filter(v => isOwnName(v.name)).map(v => problem('volume', v.name)),
    ...users.flatMap(c =>
      (c.volumeMounts ?? [])
        .filter(mount => mount.name === SHARED_VOLUME || mount.name === TOKEN_VOLUME)
        .map(mount => `container "${c.name}": mounts ${mount.name}, which is startgate's own volume`),
    ),
  ]
}

function isOwnName(name: string): boolean {
  return name.startsWith(OWN_PREFIX)
}

function isImageStepName(name: string): boolean {
  return name.startsWith(IMAGE_STEP_PREFIX) && /^[1-9]\d*$/.test(name.slice(IMAGE_STEP_PREFIX.length))
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index])
}
