import { isObject } from '../../core/is-object.ts'
import type { Container } from '../../core/pod.ts'
import { parseQuantity } from '../../core/quantity.ts'

/** What a container of ours must have exactly as we write it, absence included. */
const EXACT = [
  'command', 'args', 'envFrom', 'lifecycle', 'livenessProbe', 'readinessProbe', 'restartPolicy', 'startupProbe',
] as const // biome-ignore format: a list

/**
 * Whether a container found in the pod still does what the wanted one would. What others added stays: defaults of the
 * API server, LimitRanger's resources, mounts and environment that identity webhooks give each container, the pull
 * policy of AlwaysPullImages.
 */
export function coversContainer(found: Container, wanted: Container): boolean {
  const { imagePullPolicy: _, resources, ...rest } = wanted
  return (
    EXACT.every(field => isEqualJson(found[field as keyof Container], wanted[field as keyof Container])) &&
    covers(found, rest) &&
    coversResources(found.resources, resources)
  )
}

/** Whether `found` has everything `wanted` has; lists of named things may hold more of them. */
export function covers(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(found) && coversList(found, wanted)
  if (!isObject(wanted)) return found === wanted
  return isObject(found) && Object.entries(wanted).every(([key, value]) => covers(found[key], value))
}

function coversList(found: unknown[], wanted: unknown[]): boolean {
  const key = ['mountPath', 'name'].find(k => wanted.every(item => isObject(item) && k in item))
  if (!key) return found.length === wanted.length && wanted.every((item, index) => covers(found[index], item))
  return wanted.every(item => {
    const same = found.filter(other => isObject(other) && isObject(item) && other[key] === item[key])
    return same.length === 1 && covers(same[0], item)
  })
}

/** Quantities are equal by value: the API server writes 0.5 as 500m. */
function coversResources(found: Container['resources'], wanted: Container['resources']): boolean {
  return (['requests', 'limits'] as const).every(list =>
    Object.entries(wanted?.[list] ?? {}).every(
      ([name, value]) => parseQuantity(found?.[list]?.[name]) === parseQuantity(value),
    ),
  )
}

function isEqualJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
}
