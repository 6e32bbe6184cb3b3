import type { ObjectMeta } from '../pod.ts'
import type { ApiStatus } from './kube-error.ts'

export interface KubeObject {
  metadata: ObjectMeta
}

/** `namespace/name`, or the name alone for objects without a namespace. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

export type Change<T> = { kind: 'changed'; object: T; previous?: T } | { kind: 'deleted'; object: T }

/** One line of a watch, read. `Unknown` is skipped: later API servers may send kinds we do not know. */
export type WatchEvent<T> =
  | { kind: 'Changed' | 'Deleted'; object: T }
  | { kind: 'Bookmark'; resourceVersion: string }
  | { kind: 'Error'; status: ApiStatus }
  | { kind: 'Unknown' }

/** Reads one line of a watch. Throws SyntaxError when it is no JSON. */
export function parseWatchLine<T extends KubeObject>(line: string): WatchEvent<T> {
  const { type, object } = JSON.parse(line) as { type?: string; object?: T & ApiStatus }
  if (type === 'ERROR') return { kind: 'Error', status: object ?? {} }
  if (typeof object?.metadata !== 'object') return { kind: 'Unknown' }
  if (type === 'BOOKMARK') return { kind: 'Bookmark', resourceVersion: object.metadata.resourceVersion ?? '' }
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'Changed', object }
  return type === 'DELETED' ? { kind: 'Deleted', object } : { kind: 'Unknown' }
}

/**
 * What a list-watch knows: the last seen state of every object and the resourceVersion that a watch goes on from. Each
 * fold returns what changed, in order, so that who folds the changes gets the same state.
 */
export class ObjectStore<T extends KubeObject> {
  #objects = new Map<string, T>()
  #resourceVersion = ''

  get resourceVersion(): string {
    return this.#resourceVersion
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  /** Folds a whole list in: what it lacks was deleted while nobody watched. */
  replaceAll(list: { items: T[]; resourceVersion: string }): Change<T>[] {
    this.#resourceVersion = list.resourceVersion
    const listed = new Set(list.items.map(keyOf))
    const gone = [...this.#objects].filter(([key]) => !listed.has(key))
    return [...gone.flatMap(([, object]) => this.#remove(object)), ...list.items.flatMap(item => this.#set(item))]
  }

  apply(event: WatchEvent<T>): Change<T>[] {
    if (event.kind === 'Bookmark') this.#moveTo(event.resourceVersion)
    if (event.kind !== 'Changed' && event.kind !== 'Deleted') return []
    this.#moveTo(event.object.metadata.resourceVersion)
    return event.kind === 'Changed' ? this.#set(event.object) : this.#remove(event.object)
  }

  #moveTo(resourceVersion: string | undefined): void {
    if (resourceVersion) this.#resourceVersion = resourceVersion
  }

  #set(object: T): Change<T>[] {
    const key = keyOf(object)
    const previous = this.#objects.get(key)
    this.#objects.set(key, object)
    if (!previous) return [{ kind: 'changed', object }]
    // Deleted and made anew under the same name between two looks: another object, so not an update.
    if (previous.metadata.uid !== object.metadata.uid) {
      return [
        { kind: 'deleted', object: previous },
        { kind: 'changed', object },
      ]
    }
    if (previous.metadata.resourceVersion === object.metadata.resourceVersion) return []
    return [{ kind: 'changed', object, previous }]
  }

  #remove(object: T): Change<T>[] {
    const key = keyOf(object)
    if (this.#objects.get(key)?.metadata.uid !== object.metadata.uid) return []
    this.#objects.delete(key)
    return [{ kind: 'deleted', object }]
  }
}
