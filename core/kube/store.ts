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
  /** `endsList`: everything that a streaming list had to tell has been told (KEP-3157). */
  | { kind: 'Bookmark'; resourceVersion: string; endsList: boolean }
  | { kind: 'Error'; status: ApiStatus }
  | { kind: 'Unknown' }

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

/** Reads one line of a watch. Throws SyntaxError when it is no JSON. */
export function parseWatchLine<T extends KubeObject>(line: string): WatchEvent<T> {
  const { type, object } = JSON.parse(line) as { type?: string; object?: T & ApiStatus }
  if (type === 'ERROR') return { kind: 'Error', status: object ?? {} }
  if (typeof object?.metadata !== 'object') return { kind: 'Unknown' }
  if (type === 'BOOKMARK') {
    const { resourceVersion = '', annotations } = object.metadata
    return { kind: 'Bookmark', resourceVersion, endsList: annotations?.[INITIAL_EVENTS_END] === 'true' }
  }
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'Changed', object }
  return type === 'DELETED' ? { kind: 'Deleted', object } : { kind: 'Unknown' }
}

/**
 * What a list-watch knows: the last seen state of every object and the resourceVersion that a watch goes on from. Each
 * fold returns what changed, in order, so that who folds the changes gets the same state. An object that comes again
 * with the same resourceVersion is the same: the one that is known stays, so that nobody holds two copies.
 */
export class ObjectStore<T extends KubeObject> {
  readonly #retain: (object: T, before: T | undefined) => T
  #objects = new Map<string, T>()
  #resourceVersion = ''
  /** Keys that a list which is under way has not shown yet; undefined when none is. */
  #unlisted: Set<string> | undefined

  /**
   * `retain`: what is kept of an object once it has been told, where `before` was kept of it; it must keep what
   * identifies it, and its version.
   */
  constructor(retain: (object: T, before: T | undefined) => T = object => object) {
    this.#retain = retain
  }

  get resourceVersion(): string {
    return this.#resourceVersion
  }

  /** A list has begun and has not ended: there is nothing a watch could go on from. */
  get isListing(): boolean {
    return this.#unlisted !== undefined
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  values(): MapIterator<T> {
    return this.#objects.values()
  }

  /**
   * Applies `retain` once more: what is kept of an object may shrink with time. Changes nothing that has to be told.
   */
  retainAgain(): void {
    for (const [key, object] of this.#objects) {
      const kept = this.#retain(object, object)
      if (kept !== object) this.#objects.set(key, kept)
    }
  }

  /** A whole list begins, which may come in parts. One that was under way counts for nothing but what it has shown. */
  beginList(): void {
    this.#unlisted = new Set(this.#objects.keys())
  }

  /** Folds in one object of the list that is under way. */
  listed(object: T): Change<T>[] {
    this.#unlisted?.delete(keyOf(object))
    return this.#set(object)
  }

  /** The list is complete: what it lacks was deleted while nobody watched. */
  endList(resourceVersion: string): Change<T>[] {
    this.#resourceVersion = resourceVersion
    const gone = [...(this.#unlisted ?? [])].flatMap(key => this.#objects.get(key) ?? [])
    this.#unlisted = undefined
    return gone.flatMap(object => this.#remove(object))
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
    const isSame = previous?.metadata.uid === object.metadata.uid
    if (previous && isSame && previous.metadata.resourceVersion === object.metadata.resourceVersion) return []
    this.#objects.set(key, this.#retain(object, isSame ? previous : undefined))
    if (!previous) return [{ kind: 'changed', object }]
    // Deleted and made anew under the same name between two looks: another object, so not an update.
    if (!isSame) {
      return [
        { kind: 'deleted', object: previous },
        { kind: 'changed', object },
      ]
    }
    return [{ kind: 'changed', object, previous }]
  }

  #remove(object: T): Change<T>[] {
    const key = keyOf(object)
    if (this.#objects.get(key)?.metadata.uid !== object.metadata.uid) return []
    this.#objects.delete(key)
    this.#unlisted?.delete(key)
    return [{ kind: 'deleted', object }]
  }
}
