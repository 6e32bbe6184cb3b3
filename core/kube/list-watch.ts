import type { Clock } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { LineSplitter } from './line-splitter.ts'
import { pagesOf } from './list.ts'
import { type Change, type KubeObject, ObjectStore, parseWatchLine } from './store.ts'
import type { ApiTransport } from './transport.ts'
import {
  endOfError,
  endOfErrorEvent,
  type LoopEnd,
  type LoopPlan,
  lacksStreamingLists,
  planAfter,
  watchQuery,
} from './watch-plan.ts'

export interface ListWatchOptions<T extends KubeObject> {
  client: { transport: ApiTransport }
  /** Of the collection, like `/api/v1/pods`. */
  path: string
  labelSelector?: string
  /** `previous` is absent when the object is new, also when one of that name but another uid was there before. */
  onChange(object: T, previous?: T): void
  /** The object as last seen or, from a watch, as deleted. */
  onDelete(object: T): void
  /** Once, after the first list has been handed to onChange. */
  onSynced?(): void
  /**
   * What is read of an object, made as soon as it is parsed, so that whole objects never pile up. It keeps namespace,
   * name, uid and resourceVersion. Without one, all but `managedFields` is kept.
   */
  project?(object: T): T
  /** What is kept of an object once onChange was told; `before` was kept. As `project`; without one, everything. */
  retain?(object: T, before: T | undefined): T
  log: Logger
  clock: Clock
  /** In [0, 1). */
  random(): number
  idleTimeoutMs?: number
}

/** A live copy of a collection. The objects belong to it: read them, never write them. */
export interface ListWatch<T extends KubeObject> {
  start(): void
  /** Resolves when no handler will be called any more. */
  stop(): Promise<void>
  list(): T[]
  /** The same without a copy: read on later, it shows what came meanwhile, and the latest of each object. */
  values(): IterableIterator<T>
  /** Applies `retain` anew to all that is kept, since what it keeps may depend on time. */
  retainAgain(): void
  /** `key` as in keyOf: `namespace/name` or `name`. */
  get(key: string): T | undefined
  hasSynced(): boolean
  /** Resolves at the first complete list; never if stopped before. */
  synced: Promise<void>
  /** Time since the API server last said anything, bookmarks and lists included; Infinity before that. */
  lastEventAgeMs(): number
}

/** Bookmarks come about once a minute, so a watch that brings nothing for longer is dead. */
const IDLE_TIMEOUT_MS = 75_000

/**
 * Quorum list, then watch, for ever: reconnects, resumes after what was seen, and lists anew only when it must. Lists
 * are streamed where the server can (`sendInitialEvents`), else read by pages; objects are told one by one, at most a
 * page of them whole in memory. Not client-node's informer: it stops on errors and goes silent (#596, #958, #3020).
 */
export function createListWatch<T extends KubeObject>(options: ListWatchOptions<T>): ListWatch<T> {
  return new Loop(options)
}

class Loop<T extends KubeObject> implements ListWatch<T> {
  readonly synced: Promise<void>
  readonly #options: ListWatchOptions<T>
  readonly #store: ObjectStore<T>
  readonly #stopping = new AbortController()
  readonly #firstList = Promise.withResolvers<void>()
  #running: Promise<void> = Promise.resolve()
  #synced = false
  #lastEventMs = -Infinity

  constructor(options: ListWatchOptions<T>) {
    this.#options = options
    this.#store = new ObjectStore(options.retain)
    this.synced = this.#firstList.promise
  }

  start = (): void => {
    this.#running = this.#run()
  }

  stop = async (): Promise<void> => {
    this.#stopping.abort()
    await this.#running
  }

  list = (): T[] => this.#store.list()
  values = (): IterableIterator<T> => this.#store.values()
  get = (key: string): T | undefined => this.#store.get(key)
  retainAgain = (): void => this.#store.retainAgain()
  hasSynced = (): boolean => this.#synced
  lastEventAgeMs = (): number => this.#options.clock.monotonicMs() - this.#lastEventMs

  async #run(): Promise<void> {
    const { log, random, path } = this.#options
    const { signal } = this.#stopping
    let next: LoopPlan['next'] = 'list'
    let failures = 0
    while (!signal.aborted) {
      const end: LoopEnd = await this.#act(next)
      const plan = planAfter(end, { failures }, random())
      if (!signal.aborted && end.kind !== 'Listed') log.debug({ path, end, plan }, 'list-watch goes on')
      // A list that did not come to its end left nothing to watch from.
      next = this.#store.isListing && plan.next === 'watch' ? 'list' : plan.next
      failures = plan.failures
      if (plan.delayMs > 0) await pause(plan.delayMs, signal)
    }
  }

  #act(what: LoopPlan['next']): Promise<LoopEnd> {
    if (what === 'pages') return this.#listPages()
    if (what === 'list') this.#store.beginList()
    return this.#watch(what === 'list')
  }

  async #listPages(): Promise<LoopEnd> {
    const { client, path, labelSelector } = this.#options
    try {
      this.#store.beginList()
      let at = ''
      for await (const { items, resourceVersion } of pagesOf<T>(client.transport, path, { labelSelector })) {
        if (this.#stopping.signal.aborted) return { kind: 'Closed', receivedEvents: true }
        this.#heard()
        for (const item of items) this.#tell(this.#store.listed(this.#projected(item)))
        at = resourceVersion
      }
      this.#endList(at)
      return { kind: 'Listed' }
    } catch (error) {
      return this.#ended(error, false)
    }
  }

  #endList(resourceVersion: string): void {
    this.#tell(this.#store.endList(resourceVersion))
    if (this.#synced) return
    this.#synced = true
    this.#options.onSynced?.()
    this.#firstList.resolve()
  }

  /** `isList`: it begins with all that there is, and goes on as a watch. */
  async #watch(isList: boolean): Promise<LoopEnd> {
    const { client, path, labelSelector, random, idleTimeoutMs = IDLE_TIMEOUT_MS } = this.#options
    const { signal } = this.#stopping
    const from = isList ? 'Begin' : { resourceVersion: this.#store.resourceVersion }
    const query = { labelSelector, ...watchQuery(from, random()) }
    const lines = new LineSplitter()
    let receivedEvents = false
    try {
      const stream = await client.transport.openStream({ path, query, idleTimeoutMs, signal })
      for await (const chunk of stream) {
        for (const line of lines.push(chunk)) {
          const end = this.#take(line, receivedEvents)
          if (end) return end
          receivedEvents = true
        }
      }
      return { kind: 'Closed', receivedEvents: receivedEvents && !this.#store.isListing }
    } catch (error) {
      return this.#failed(error, receivedEvents)
    }
  }

  #failed(error: unknown, receivedEvents: boolean): LoopEnd {
    const { isListing } = this.#store
    if (isListing && lacksStreamingLists(error)) return { kind: 'NoStreaming' }
    // Half a list is none.
    const end = this.#ended(error, receivedEvents && !isListing)
    // One that never says that its list is complete falls silent at last.
    return isListing && end.kind === 'Silent' ? { kind: 'NoStreaming' } : end
  }

  /** Folds one line in; what it returns ends the watch. */
  #take(line: string, receivedEvents: boolean): LoopEnd | undefined {
    if (this.#stopping.signal.aborted) return { kind: 'Closed', receivedEvents }
    this.#heard()
    const event = parseWatchLine<T>(line)
    if (event.kind === 'Error') {
      this.#options.log.warn({ path: this.#options.path, status: event.status }, 'watch ended with an error event')
      return endOfErrorEvent(event.status, receivedEvents)
    }
    if (event.kind === 'Changed' || event.kind === 'Deleted') event.object = this.#projected(event.object)
    if (!this.#store.isListing || event.kind === 'Deleted') this.#tell(this.#store.apply(event))
    else if (event.kind === 'Changed') this.#tell(this.#store.listed(event.object))
    else if (event.kind === 'Bookmark') {
      // A server that knows of no streaming lists has begun to watch.
      if (!event.endsList) return { kind: 'NoStreaming' }
      this.#endList(event.resourceVersion)
    }
    return undefined
  }

  #heard(): void {
    this.#lastEventMs = this.#options.clock.monotonicMs()
  }

  #projected(object: T): T {
    const { project } = this.#options
    return project ? project(object) : lean(object)
  }

  #ended(error: unknown, receivedEvents: boolean): LoopEnd {
    const { log, path } = this.#options
    if (!this.#stopping.signal.aborted) log.warn({ path, err: messageOf(error) }, 'list or watch failed, trying again')
    return endOfError(error, receivedEvents)
  }

  #tell(changes: Change<T>[]): void {
    const { onChange, onDelete, log, path } = this.#options
    for (const change of changes) {
      try {
        if (change.kind === 'deleted') onDelete(change.object)
        else if (change.previous) onChange(change.object, change.previous)
        else onChange(change.object)
      } catch (error) {
        log.error({ path, err: error }, 'a handler of object changes threw; its fold may be wrong now')
      }
    }
  }
}

/** Nobody here reads managedFields, and they are half of an object's size. */
function lean<T extends KubeObject>(object: T): T {
  delete (object.metadata as { managedFields?: unknown }).managedFields
  return object
}

/** Resolves after `ms`, or at once when `signal` aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const wake = () => resolve()
  signal.addEventListener('abort', wake)
  await promise
  clearTimeout(timer)
  signal.removeEventListener('abort', wake)
}
