import type { Clock } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { LineSplitter } from './line-splitter.ts'
import { listAll } from './list.ts'
import { type Change, type KubeObject, ObjectStore, parseWatchLine } from './store.ts'
import type { ApiTransport } from './transport.ts'
import { endOfError, endOfErrorEvent, type LoopEnd, planAfter, watchTimeoutSeconds } from './watch-plan.ts'

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
 * Quorum list, then watch, for ever: reconnects, resumes after what was seen, lists anew when it must and every ten
 * minutes. Instead of client-node's informer, which stops on errors and goes silent (issues #596, #958, #3020).
 */
export function createListWatch<T extends KubeObject>(options: ListWatchOptions<T>): ListWatch<T> {
  return new Loop(options)
}

class Loop<T extends KubeObject> implements ListWatch<T> {
  readonly synced: Promise<void>
  readonly #options: ListWatchOptions<T>
  readonly #store = new ObjectStore<T>()
  readonly #stopping = new AbortController()
  readonly #firstList = Promise.withResolvers<void>()
  #running: Promise<void> = Promise.resolve()
  #synced = false
  #lastEventMs = -Infinity
  #listedMs = -Infinity

  constructor(options: ListWatchOptions<T>) {
    this.#options = options
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
  get = (key: string): T | undefined => this.#store.get(key)
  hasSynced = (): boolean => this.#synced
  lastEventAgeMs = (): number => this.#options.clock.monotonicMs() - this.#lastEventMs

  async #run(): Promise<void> {
    const { clock, log, random, path } = this.#options
    const { signal } = this.#stopping
    let next: 'list' | 'watch' = 'list'
    let failures = 0
    while (!signal.aborted) {
      const end: LoopEnd = next === 'list' ? await this.#list() : await this.#watch()
      const plan = planAfter(end, { failures, sinceListMs: clock.monotonicMs() - this.#listedMs }, random())
      if (!signal.aborted && end.kind !== 'Listed') log.debug({ path, end, plan }, 'list-watch goes on')
      next = plan.next
      // A list that failed left nothing to watch from.
      if (!this.#synced) next = 'list'
      failures = plan.failures
      if (plan.delayMs > 0) await pause(plan.delayMs, signal)
    }
  }

  async #list(): Promise<LoopEnd> {
    const { client, clock, path, labelSelector, onSynced } = this.#options
    try {
      const list = await listAll<T>(client.transport, path, { labelSelector })
      if (this.#stopping.signal.aborted) return { kind: 'Closed', receivedEvents: true }
      this.#listedMs = this.#lastEventMs = clock.monotonicMs()
      this.#tell(this.#store.replaceAll({ ...list, items: list.items.map(lean) }))
    } catch (error) {
      return this.#ended(error, false)
    }
    if (!this.#synced) {
      this.#synced = true
      onSynced?.()
      this.#firstList.resolve()
    }
    return { kind: 'Listed' }
  }

  async #watch(): Promise<LoopEnd> {
    const { client, path, random, idleTimeoutMs = IDLE_TIMEOUT_MS } = this.#options
    const { signal } = this.#stopping
    const query = {
      labelSelector: this.#options.labelSelector,
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: this.#store.resourceVersion,
      timeoutSeconds: watchTimeoutSeconds(random()),
    }
    const lines = new LineSplitter()
    let receivedEvents = false
    try {
      for await (const chunk of await client.transport.openStream({ path, query, idleTimeoutMs, signal })) {
        for (const line of lines.push(chunk)) {
          const end = this.#take(line, receivedEvents)
          if (end) return end
          receivedEvents = true
        }
      }
      return { kind: 'Closed', receivedEvents }
    } catch (error) {
      return this.#ended(error, receivedEvents)
    }
  }

  /** Folds one line in; what it returns ends the watch. */
  #take(line: string, receivedEvents: boolean): LoopEnd | undefined {
    if (this.#stopping.signal.aborted) return { kind: 'Closed', receivedEvents }
    this.#lastEventMs = this.#options.clock.monotonicMs()
    const event = parseWatchLine<T>(line)
    if (event.kind === 'Error') {
      this.#options.log.warn({ path: this.#options.path, status: event.status }, 'watch ended with an error event')
      return endOfErrorEvent(event.status, receivedEvents)
    }
    if (event.kind === 'Changed' || event.kind === 'Deleted') lean(event.object)
    this.#tell(this.#store.apply(event))
    return undefined
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
