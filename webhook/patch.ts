import { isDeepStrictEqual } from 'node:util'
import jsonPatch from 'fast-json-patch'
import type { Container, Pod } from '../core/pod.ts'
import { type Injection, injected } from './inject/inject.ts'
import { isOurContainer, isOurVolume, withoutOurs } from './inject/ownership.ts'
import { qosClass } from './qos.ts'

/**
 * RFC 6902, of it only what fast-json-patch and the API server's evanphx/json-patch v4 read alike: plain indexes, no `-`,
 * no replacing of the root.
 */
export type Operation = { op: 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string }

/** The fewest operations from the pod to the injection; none that touches what is the user's. */
export function operationsFor(pod: Pod, injection: Injection): Operation[] {
  return [
    ...mapOperations('/metadata/labels', pod.metadata.labels, injection.labels),
    ...mapOperations('/metadata/annotations', pod.metadata.annotations, injection.annotations),
    ...listOperations(
      '/spec/initContainers',
      { found: pod.spec.initContainers, wanted: injection.initContainers },
      isOurContainer,
    ),
    ...listOperations('/spec/volumes', { found: pod.spec.volumes, wanted: injection.volumes }, isOurVolume),
  ]
}

/** The pod after the operations, as the API server would make it; the pod itself stays as it is. Throws if they do not apply. */
export function applied(pod: Pod, operations: Operation[]): Pod {
  const copy = JSON.parse(JSON.stringify(pod)) as Pod
  return jsonPatch.applyPatch(copy, operations, true, true, true).newDocument
}

export type Checked = { kind: 'good' } | { kind: 'bad'; sentence: string }

/**
 * Applies the operations to a copy and looks at the result, because a patch that does not fit rejects the pod, whatever
 * the failurePolicy says.
 */
export function checked(pod: Pod, injection: Injection, operations: Operation[]): Checked {
  const bad = (sentence: string): Checked => ({ kind: 'bad', sentence })
  const wanted = injected(pod, injection)
  let result: Pod
  try {
    result = applied(pod, operations)
  } catch (error) {
    return bad(`the patch does not apply: ${String(error).slice(0, 200)}`)
  }
  // Equal to what was wanted, in which all that is the user's is the very object that came in.
  if (!isDeepStrictEqual(result, JSON.parse(JSON.stringify(wanted)))) return bad('the patch leads to another pod')
  const users = usersContainers(pod)
  const isKept = usersContainers(wanted).every((container, index) => container === users[index])
  if (!isKept || usersContainers(wanted).length !== users.length) return bad('a container of the user would change')
  const before = qosClass(withoutOurs(pod))
  if (qosClass(wanted) !== before) return bad(`the QoS class would no longer be ${before}`)
  return danglingNames(wanted) ?? { kind: 'good' }
}

function usersContainers(pod: Pod): Container[] {
  return [...(withoutOurs(pod).spec.initContainers ?? []), ...pod.spec.containers]
}

function danglingNames({ spec }: Pod): Checked | undefined {
  const ours = (spec.initContainers ?? []).filter(isOurContainer)
  const containers = [...(spec.initContainers ?? []), ...spec.containers].map(c => c.name)
  const twice = ours.find(({ name }) => containers.filter(other => other === name).length > 1)
  if (twice) return { kind: 'bad', sentence: `two containers would be named ${twice.name}` }
  const mounts = ours.flatMap(c => c.volumeMounts ?? []).map(mount => mount.name)
  const unresolved = mounts.find(name => (spec.volumes ?? []).filter(volume => volume.name === name).length !== 1)
  if (unresolved) return { kind: 'bad', sentence: `the volume ${unresolved} would not be there exactly once` }
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

type Named = { name: string }

/**
 * Replaces in place what is ours and out of date, takes out what does not stay, puts in what is missing. The user's
 * elements are the same objects in both lists, in the same order, and all stay.
 */
function listOperations<T extends Named>(
  path: string,
  lists: { found: T[] | null | undefined; wanted: T[] },
  isOurs: (element: T) => boolean,
): Operation[] {
  const { found, wanted } = lists
  if (!found) return wanted.length > 0 ? [{ op: 'add', path, value: wanted }] : []
  const list = withUpdates(found, wanted, isOurs)
  const staying = stayingOf(list, wanted, isOurs)
  const operations: Operation[] = []
  for (const [index, element] of list.entries()) {
    if (element !== found[index] && staying.has(element)) {
      operations.push({ op: 'replace', path: `${path}/${index}`, value: element })
    }
  }
  for (const [index, element] of [...list.entries()].reverse()) {
    if (!staying.has(element)) operations.push({ op: 'remove', path: `${path}/${index}` })
  }
  for (const [index, element] of wanted.entries()) {
    if (!staying.has(element)) operations.push({ op: 'add', path: `${path}/${index}`, value: element })
  }
  return operations
}

/** What was found, with the wanted one in the place of each of ours that is out of date. */
function withUpdates<T extends Named>(found: T[], wanted: T[], isOurs: (element: T) => boolean): T[] {
  const kept = new Set(wanted)
  const updates = new Map(wanted.filter(element => !found.includes(element)).map(e => [e.name, e]))
  return found.map(element => {
    const update = kept.has(element) || !isOurs(element) ? undefined : updates.get(element.name)
    if (!update) return element
    updates.delete(element.name)
    return update
  })
}

/** The elements that are wanted and, with regard to the user's and to each other, in the right place. */
function stayingOf<T extends Named>(list: T[], wanted: T[], isOurs: (element: T) => boolean): Set<T> {
  const places = new Map(wanted.map((element, index) => [element, index]))
  const users = list.filter(element => !isOurs(element))
  const staying = new Set(users)
  const placeOf = (user: T | undefined, otherwise: number) => (user && places.get(user)) ?? otherwise
  let last = -1
  let usersBefore = 0
  for (const element of list) {
    const place = places.get(element)
    if (!isOurs(element)) usersBefore++
    else if (place !== undefined) {
      const isInPlace =
        place > last && place > placeOf(users[usersBefore - 1], -1) && place < placeOf(users[usersBefore], Infinity)
      if (!isInPlace) continue
      staying.add(element)
      last = place
    }
  }
  return staying
}
