import type { Operation } from './operation.ts'

type Named = { name: string }

/**
 * Replaces in place what is ours and out of date, takes out what does not stay, puts in what is missing. The user's
 * elements are the same objects in both lists, in the same order, and all stay.
 */
export function listOperations<T extends Named>(
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
  const present = new Set(found)
  const updates = new Map(wanted.filter(element => !present.has(element)).map(e => [e.name, e]))
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
