import type { IncomingMessage } from 'node:http'
import { type ApiAccess, ApiStatusError } from './api-access.ts'

export interface WatchedObject {
  metadata: { name: string; uid?: string; resourceVersion: string }
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: T
  resourceVersion: number
  receivedAtMs: number
}

/** Events were lost or may have been: what was observed so far is no proof of anything. */
export class WatchGapError extends Error {
  readonly code = 'WATCH_GAP'
}

/** What one list told after events were lost: the versions between which the watch saw nothing. */
export interface WatchGap {
  fromVersion: number
  toVersion: number
}

/** An API server that is away for longer does not come back: a restart takes half a minute on a busy machine. */
const LONGEST_ABSENCE_MS = 180_000

interface WatchLine {
  type: string
  object: WatchedObject & { code?: number; message?: string }
}

/**
 * One gapless watch: a list, then every event from the list's resourceVersion on. When the connection ends (the API
 * server ends each after a while) it goes on from the last version seen. When that is no longer kept (a restarted API
 * server keeps nothing), it fails; or, with `bridgeGaps`, it lists again, tells the differences under the list's own
 * version and writes the gap down, so that what cannot be proven by the watch is known.
 */
export class ObjectWatch<T extends WatchedObject> {
  readonly #api: ApiAccess
  readonly #path: string
  readonly #onEvent: (event: WatchEvent<T>) => void
  readonly #bridgeGaps: boolean
  readonly #stop = new AbortController()
  readonly #known = new Map<string, T>()
  readonly #gaps: WatchGap[] = []
  #version = ''
  #running: Promise<void> = Promise.resolve()
  #fault: unknown
  #awaySinceMs: number | undefined

  constructor(
    api: ApiAccess,
    path: string,
    onEvent: (event: WatchEvent<T>) => void,
    { bridgeGaps = false }: { bridgeGaps?: boolean } = {},
  ) {
    this.#bridgeGaps = bridgeGaps
    this.#api = api
    this.#path = path
    this.#onEvent = onEvent
  }

  /** Resolves when the list is in, each object of it as an ADDED event. */
  async start(): Promise<void> {
    const list = await this.#list()
    for (const object of list.items) this.#tell('ADDED', object)
    this.#version = list.metadata.resourceVersion
    this.#running = this.#follow().catch(fault => {
      this.#fault = fault
    })
  }

  /** The last version seen, of an object or a bookmark. */
  get version(): number {
    return Number(this.#version)
  }

  /** The gaps so far; only a bridging watch lives on after one. */
  get gaps(): readonly WatchGap[] {
    return this.#gaps
  }

  /** Throws if an event may have been missed, but for the gaps that were bridged. */
  check(): void {
    if (this.#fault) throw new WatchGapError(`the watch on ${this.#path} broke`, { cause: this.#fault })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  #list(): Promise<{ metadata: { resourceVersion: string }; items: T[] }> {
    return this.#api.getJson(this.#path) as Promise<{ metadata: { resourceVersion: string }; items: T[] }>
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=1800&resourceVersion=${this.#version}`
        const answer = await this.#api.get(`${this.#path}?${query}`, signal)
        this.#awaySinceMs = undefined
        await this.#readLines(answer)
      } catch (error) {
        if (signal.aborted) return
        await this.#recover(error)
      }
    }
  }

  /**
   * A lost connection and a server that is starting lose nothing, a version that is too old does. Throws when all is
   * lost.
   */
  async #recover(error: unknown): Promise<void> {
    const expired = error instanceof WatchGapError || (error instanceof ApiStatusError && error.status === 410)
    if (expired && !this.#bridgeGaps) throw error
    this.#awaySinceMs ??= Date.now()
    if (Date.now() - this.#awaySinceMs > LONGEST_ABSENCE_MS) throw error
    if (!expired || !(await this.#bridge())) await new Promise(resolve => setTimeout(resolve, 250))
  }

  /** Lists again and tells what differs from what is known; false when the server does not answer yet. */
  async #bridge(): Promise<boolean> {
    const list = await this.#list().catch(() => undefined)
    if (!list) return false
    const fromVersion = this.version
    this.#version = list.metadata.resourceVersion
    this.#gaps.push({ fromVersion, toVersion: this.version })
    const listed = new Set(list.items.map(keyOf))
    for (const [key, object] of this.#known) if (!listed.has(key)) this.#tell('DELETED', object, this.version)
    for (const object of list.items) {
      if (this.#known.get(keyOf(object))?.metadata.resourceVersion === object.metadata.resourceVersion) continue
      this.#tell(this.#known.has(keyOf(object)) ? 'MODIFIED' : 'ADDED', object, this.version)
    }
    return true
  }

  async #readLines(answer: IncomingMessage): Promise<void> {
    answer.setEncoding('utf8')
    let rest = ''
    for await (const chunk of answer) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line) this.#read(JSON.parse(line) as WatchLine)
    }
  }

  #read({ type, object }: WatchLine): void {
    if (type === 'ERROR') throw new WatchGapError(`${object.code} ${object.message}`)
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') this.#tell(type, object as unknown as T)
    this.#version = object.metadata.resourceVersion
  }

  #tell(type: WatchEvent<T>['type'], object: T, resourceVersion = Number(object.metadata.resourceVersion)): void {
    if (type === 'DELETED') this.#known.delete(keyOf(object))
    else this.#known.set(keyOf(object), object)
    this.#onEvent({ type, object, resourceVersion, receivedAtMs: Date.now() })
  }
}

function keyOf({ metadata }: WatchedObject): string {
  return metadata.uid ?? metadata.name
}
