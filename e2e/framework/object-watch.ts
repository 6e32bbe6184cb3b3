import type { IncomingMessage } from 'node:http'
import { type ApiAccess, ApiStatusError } from './api-access.ts'

export interface WatchedObject {
  metadata: { name: string; resourceVersion: string }
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

interface WatchLine {
  type: string
  object: WatchedObject & { code?: number; message?: string }
}

/**
 * One gapless watch: a list, then every event from the list's resourceVersion on. When the connection ends (the API
 * server ends each after a while) it goes on from the last version seen; when that is no longer kept, it fails.
 */
export class ObjectWatch<T extends WatchedObject> {
  readonly #api: ApiAccess
  readonly #path: string
  readonly #onEvent: (event: WatchEvent<T>) => void
  readonly #stop = new AbortController()
  #version = ''
  #running: Promise<void> = Promise.resolve()
  #fault: unknown

  constructor(api: ApiAccess, path: string, onEvent: (event: WatchEvent<T>) => void) {
    this.#api = api
    this.#path = path
    this.#onEvent = onEvent
  }

  /** Resolves when the list is in, each object of it as an ADDED event. */
  async start(): Promise<void> {
    const list = (await this.#api.getJson(this.#path)) as { metadata: { resourceVersion: string }; items: T[] }
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

  /** Throws if an event may have been missed. */
  check(): void {
    if (this.#fault) throw new WatchGapError(`the watch on ${this.#path} broke`, { cause: this.#fault })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    let failures = 0
    while (!signal.aborted) {
      try {
        const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=1800&resourceVersion=${this.#version}`
        await this.#readLines(await this.#api.get(`${this.#path}?${query}`, signal))
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        // The version that is too old, and an API server that stays away, are gaps; one lost connection is not.
        if (error instanceof WatchGapError || error instanceof ApiStatusError || ++failures > 20) throw error
        await new Promise(resolve => setTimeout(resolve, 250))
      }
    }
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

  #tell(type: WatchEvent<T>['type'], object: T): void {
    this.#onEvent({ type, object, resourceVersion: Number(object.metadata.resourceVersion), receivedAtMs: Date.now() })
  }
}
