import { isDeepStrictEqual } from 'node:util'
import jsonPatch from 'fast-json-patch'
import { cut } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { type Injection, injected } from '../inject/inject.ts'
import { isOurContainer, isOurVolume, type ReviewedPod, withoutOurs } from '../inject/ownership.ts'
import { byName, countsByName } from '../pod/by-name.ts'
import { qosClass } from '../pod/qos.ts'
import type { Operation } from './operation.ts'
import { listOperations } from './patch-list.ts'

/** The fewest operations from the pod to the injection; none that touches what is the user's. */
export function operationsFor(reviewed: ReviewedPod, injection: Injection): Operation[] {
  const { pod } = reviewed
  return [
    ...mapOperations('/metadata/labels', pod.metadata.labels, injection.labels),
    ...mapOperations('/metadata/annotations', pod.metadata.annotations, injection.annotations),
    ...containerOperations(reviewed, injection),
    ...listOperations('/spec/volumes', { found: pod.spec.volumes, wanted: injection.volumes }, isOurVolume),
    ...fieldOperations(
      '/spec/terminationGracePeriodSeconds',
      pod.spec.terminationGracePeriodSeconds,
      injection.terminationGracePeriodSeconds,
    ),
  ]
}

/** Containers of the user's are in either list; where they go is ours to say, what is in them is not. */
function containerOperations({ pod, bare }: ReviewedPod, { initContainers, containers }: Injection): Operation[] {
  const users = new Set(bare.spec.initContainers)
  const found = pod.spec.containers
  const kept = new Set(containers)
  const wanted = byName(containers)
  const staying = found.map(c => (kept.has(c) ? c : (wanted.get(c.name) ?? c)))
  return [
    ...listOperations(
      '/spec/initContainers',
      { found: pod.spec.initContainers, wanted: initContainers },
      c => !users.has(c),
    ),
    ...found.flatMap((c, index) => additions(`/spec/containers/${index}`, c, staying[index] ?? c)),
    ...listOperations('/spec/containers', { found: staying, wanted: containers }, c => !kept.has(c)),
  ]
}

/** From a container of the user's to the same with or without a notify socket: nothing else ever differs. */
function additions(path: string, found: Container, wanted: Container): Operation[] {
  if (found === wanted) return []
  return (['env', 'volumeMounts'] as const).flatMap((field): Operation[] => {
    const [before, after] = [found[field], wanted[field]]
    if (isDeepStrictEqual(before, after)) return []
    if (!after) return [{ op: 'remove', path: `${path}/${field}` }]
    if (!before) return [{ op: 'add', path: `${path}/${field}`, value: after }]
    const isLonger = after.length === before.length + 1 && isDeepStrictEqual(after.slice(0, -1), before)
    if (!isLonger) return [{ op: 'replace', path: `${path}/${field}`, value: after }]
    return [{ op: 'add', path: `${path}/${field}/${before.length}`, value: after.at(-1) }]
  })
}

function fieldOperations(path: string, found: unknown, wanted: unknown): Operation[] {
  if (wanted === undefined || wanted === found) return []
  return [{ op: found === undefined ? 'add' : 'replace', path, value: wanted }]
}

/**
 * The pod after the operations, as the API server would make it; the pod itself stays as it is. What they do not reach
 * is the same object as before, since a pod can be far larger than what is done to it. Throws if they do not apply.
 */
export function applied(pod: Pod, operations: Operation[]): Pod {
  const asSent = JSON.parse(JSON.stringify(operations)) as Operation[]
  return jsonPatch.applyPatch(shallowCopy(pod), asSent, true, true, true).newDocument
}

/** A copy as deep as operations of ours reach. */
function shallowCopy(pod: Pod): Pod {
  const { metadata, spec } = pod
  return { ...pod, metadata: withCopies(metadata, ['labels', 'annotations']), spec: specCopy(spec) }
}

function specCopy(spec: Pod['spec']): Pod['spec'] {
  const copy = withCopies(spec, ['initContainers', 'volumes'])
  return { ...copy, containers: spec.containers.map(container => withCopies(container, ['env', 'volumeMounts'])) }
}

function withCopies<T extends object>(object: T, fields: readonly (keyof T)[]): T {
  const copies = fields.flatMap(field => {
    const value = object[field]
    if (Array.isArray(value)) return [[field, [...value]]]
    return isObject(value) ? [[field, { ...value }]] : []
  })
  return { ...object, ...Object.fromEntries(copies) }
}

export type Checked = { kind: 'good' } | { kind: 'bad'; sentence: string }

/**
 * Applies the operations to a copy and looks at the result, because a patch that does not fit rejects the pod, whatever
 * the failurePolicy says.
 */
export function checked({ pod, bare }: ReviewedPod, injection: Injection, operations: Operation[]): Checked {
  const bad = (sentence: string): Checked => ({ kind: 'bad', sentence })
  const wanted = injected(pod, injection)
  let result: Pod
  try {
    result = applied(pod, operations)
  } catch (error) {
    return bad(`the patch does not apply: ${cut(String(error), 200)}`)
  }
  // Equal to what was wanted, in which all that is the user's is what came in.
  if (!isDeepStrictEqual(result, wanted)) return bad('the patch leads to another pod')
  if (!isDeepStrictEqual(usersContainers(withoutOurs(wanted)), usersContainers(bare)))
    return bad('a container of the user would change')
  const before = qosClass(bare)
  if (qosClass(wanted) !== before) return bad(`the QoS class would no longer be ${before}`)
  return danglingNames(wanted) ?? { kind: 'good' }
}

/** Of a pod without ours. Empty lists are as good as none. */
function usersContainers({ spec: { initContainers, containers } }: Pod): Container[][] {
  return [(initContainers ?? []).map(withoutEmptyLists), containers.map(withoutEmptyLists)]
}

function withoutEmptyLists(container: Container): Container {
  const isEmpty = (list: unknown) => list === null || (Array.isArray(list) && list.length === 0)
  if (!isEmpty(container.env) && !isEmpty(container.volumeMounts)) return container
  const { env, volumeMounts, ...rest } = container
  return { ...rest, ...(env?.length && { env }), ...(volumeMounts?.length && { volumeMounts }) }
}

function danglingNames({ spec }: Pod): Checked | undefined {
  const ours = (spec.initContainers ?? []).filter(isOurContainer)
  const containers = countsByName([...(spec.initContainers ?? []), ...spec.containers])
  const twice = ours.find(({ name }) => (containers.get(name) ?? 0) > 1)
  if (twice) return { kind: 'bad', sentence: `two containers would be named ${cut(twice.name)}` }
  const volumes = countsByName(spec.volumes ?? [])
  const unresolved = ours.flatMap(c => c.volumeMounts ?? []).find(({ name }) => volumes.get(name) !== 1)
  if (unresolved) return { kind: 'bad', sentence: `the volume ${cut(unresolved.name)} would not be there exactly once` }
  return undefined
}

function mapOperations(
  path: string,
  found: Record<string, string> | null | undefined,
  wanted: Record<string, string>,
): Operation[] {
  const missing = Object.entries(wanted).filter(([key, value]) => found?.[key] !== value)
  if (missing.length === 0) return []
  if (!found) return [{ op: 'add', path, value: Object.fromEntries(missing) }]
  return missing.map(([key, value]) => ({
    op: key in found ? 'replace' : 'add',
    path: `${path}/${escapePointer(key)}`,
    value,
  }))
}

/** RFC 6901. */
function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
