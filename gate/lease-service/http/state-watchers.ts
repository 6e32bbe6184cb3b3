import type { ServerResponse } from 'node:http'
import type { Clock } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import { KEEP_ALIVE_MS, type State } from '../../../core/state-api.ts'
import type { Timers } from '../../../core/timers.ts'
import { changesBetween } from '../state/changes.ts'
import type { ParsedQuery } from '../state/query.ts'
import { REST, type StateFeed } from './state-feed.ts'
import { FAULT, notLeading, type Refusal } from './state-refusals.ts'

export interface StateWatchersDeps {
  feed: Pick<StateFeed, 'snapshot' | 'stateOf'>
  leader: () => { address: string; term: number } | undefined
  clock: Clock
  timers: Timers
  log: Logger
}

/** One who watches. */
export interface Watcher {
  /** Whose token it came with, as a hash. */
  reader: string
  query: ParsedQuery
  response: ServerResponse
  /** Why it may not read any more; undefined while it may. Never rejects. */
  recheck: () => Promise<Refusal | undefined>
}

interface Open extends Watcher {
  audience: Audience
  sinceMs: number
  sentAtMs: number
  checkedAtMs: number
  /** Since when it has not read all that it was sent. */
  behindSinceMs: number | undefined
}

/** Those who watch the same: what they are told is made once. */
interface Audience {
  query: ParsedQuery
  state: State
  /** `state` as it is sent to who comes new, while it is the latest. */
  whole: Buffer | undefined
  watchers: Set<Open>
}

export const MOST_WATCHERS = 100
/** At most one change a second. */
const ROUND_MS = 1_000
/** More than any state as a whole. */
const MOST_UNREAD_BYTES = 8 * 2 ** 20
const MOST_BEHIND_MS = 30_000
/** How long its last event may take to get there. */
const MOST_GOODBYE_MS = 5_000
/** How long a right that was taken away is still good for, besides what verdicts are remembered. */
const RECHECK_MS = 60_000
const KEEP_ALIVE = Buffer.from(': keep-alive\n\n')

/** Tells those who watch what changed, as server-sent events, until they hang up, do not read, or may not any more. */
export class StateWatchers {
  readonly #deps: StateWatchersDeps
  readonly #audiences = new Map<string, Audience>()
  #size = 0
  #isRunning = false

  constructor(deps: StateWatchersDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#size
  }

  /**
   * Makes room for one more of this reader where all places are taken: the oldest of who has the most goes, if that is
   * more than this one would have. False where there is none.
   */
  makeRoom(reader: string, refusal: Refusal): boolean {
    if (this.#size < MOST_WATCHERS) return true
    const byReader = Map.groupBy(this.#all(), open => open.reader)
    const most = [...byReader.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
    if (most.length <= (byReader.get(reader)?.length ?? 0) + 1) return false
    const [oldest] = most.toSorted((a, b) => a.sinceMs - b.sinceMs)
    if (oldest) this.#end(oldest, refusal)
    return true
  }

  /** Sends the whole state and goes on with changes. False where this replica does not lead. */
  add(watcher: Watcher): boolean {
    const key = JSON.stringify(watcher.query)
    const audience = this.#audiences.get(key) ?? this.#newAudience(watcher.query)
    if (!audience) return false
    const { response } = watcher
    // It may have hung up while it was asked about.
    if (response.destroyed) return true
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const nowMs = this.#deps.clock.monotonicMs()
    const times = { sinceMs: nowMs, sentAtMs: nowMs, checkedAtMs: nowMs, behindSinceMs: undefined }
    const open: Open = { ...watcher, ...times, audience }
    this.#audiences.set(key, audience)
    audience.watchers.add(open)
    this.#size += 1
    response.on('error', () => undefined)
    response.once('close', () => this.#forget(open))
    response.on('drain', () => {
      open.behindSinceMs = undefined
    })
    audience.whole ??= eventOf('state', audience.state)
    this.#send(open, audience.whole, nowMs)
    this.#run()
    return true
  }

  #newAudience(query: ParsedQuery): Audience | undefined {
    const snap = this.#deps.feed.snapshot()
    return snap && { query, state: this.#deps.feed.stateOf(snap, query), whole: undefined, watchers: new Set() }
  }

  #forget(open: Open): void {
    const { audience } = open
    if (!audience.watchers.delete(open)) return
    this.#size -= 1
    if (audience.watchers.size > 0) return
    const key = JSON.stringify(audience.query)
    if (this.#audiences.get(key) === audience) this.#audiences.delete(key)
  }

  /** Goes on in rounds while somebody watches. */
  #run(afterMs = ROUND_MS): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#deps.timers.after(afterMs, () => void this.#round())
  }

  async #round(): Promise<void> {
    const { clock, log } = this.#deps
    const startMs = clock.monotonicMs()
    try {
      await this.#tell()
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the state cannot be told to those who watch')
      for (const open of this.#all()) this.#end(open, FAULT)
    }
    for (const open of this.#all()) this.#look(open)
    this.#isRunning = false
    if (this.#size > 0) this.#run(Math.max(ROUND_MS, REST * (clock.monotonicMs() - startMs)))
  }

  async #tell(): Promise<void> {
    const { feed, leader, timers } = this.#deps
    const snap = feed.snapshot()
    if (!snap) {
      for (const open of this.#all()) this.#end(open, notLeading(leader()))
      return
    }
    for (const audience of [...this.#audiences.values()]) {
      // Gates are served before the next kind of reader is.
      await new Promise<void>(resolve => timers.soon(resolve))
      const state = feed.stateOf(snap, audience.query)
      const changes = changesBetween(audience.state, state)
      if (!changes) continue
      audience.state = state
      audience.whole = undefined
      const bytes = eventOf('changes', changes)
      const nowMs = this.#deps.clock.monotonicMs()
      for (const open of audience.watchers) this.#send(open, bytes, nowMs)
    }
  }

  /** Keeps a watch alive, hangs up one that does not read, and asks from time to time whether it may still. */
  #look(open: Open): void {
    const { response } = open
    const nowMs = this.#deps.clock.monotonicMs()
    if (response.writableNeedDrain) open.behindSinceMs ??= nowMs
    if (nowMs - (open.behindSinceMs ?? nowMs) > MOST_BEHIND_MS) {
      response.destroy()
      return
    }
    if (nowMs - open.sentAtMs >= KEEP_ALIVE_MS - ROUND_MS * 2) this.#send(open, KEEP_ALIVE, nowMs)
    if (nowMs - open.checkedAtMs < RECHECK_MS) return
    open.checkedAtMs = nowMs
    void open.recheck().then(refusal => refusal && this.#end(open, refusal))
  }

  #send(open: Open, bytes: Buffer, nowMs: number): void {
    const { response } = open
    if (response.destroyed) return
    response.write(bytes)
    open.sentAtMs = nowMs
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy()
  }

  /** Its place is free at once, whether or not it reads its last event. */
  #end(open: Open, { body }: Refusal): void {
    const { response } = open
    this.#forget(open)
    if (response.destroyed) return
    response.end(eventOf('end', body))
    const callOff = this.#deps.timers.after(MOST_GOODBYE_MS, () => response.destroy())
    response.once('close', callOff)
  }

  #all(): Open[] {
    return [...this.#audiences.values()].flatMap(({ watchers }) => [...watchers])
  }
}

/** A server-sent event: JSON has no line ends of its own. */
function eventOf(name: string, data: object): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}
