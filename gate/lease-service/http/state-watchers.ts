import type { ServerResponse } from 'node:http'
import type { Clock } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import { KEEP_ALIVE_MS, type State } from '../../../core/state-api.ts'
import type { Timers } from '../../../core/timers.ts'
import { changesBetween } from '../state/changes.ts'
import type { ParsedQuery } from '../state/query.ts'
import type { Answer, StateFeed } from './state-feed.ts'
import { FAULT, notLeading, type Refusal, TOO_MANY_QUESTIONS, tooManyWatchers } from './state-refusals.ts'
import { placeFor, tooMuchUnread } from './watch-fairness.ts'

export interface StateWatchersDeps {
  feed: Pick<StateFeed, 'snapshot' | 'state' | 'answer' | 'measured'>
  leader: () => { address: string; term: number } | undefined
  clock: Clock
  timers: Timers
  log: Logger
}

/** One who watches. */
export interface Watcher {
  /** Who it is, as the API server says of its token. */
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

/** Those who watch the same: what they are told is made once. Kept until the next round when nobody does any more. */
interface Audience {
  query: ParsedQuery
  state: State
  watchers: Set<Open>
}

export const MOST_WATCHERS = 100
/** At most one change a second. */
const ROUND_MS = 1_000
/** More than any state as a whole. */
const MOST_UNREAD_BYTES = 8 * 2 ** 20
/** Of all watches that have not read for a second. */
const MOST_UNREAD_OF_ALL_BYTES = 32 * 2 ** 20
const MOST_BEHIND_MS = 30_000
/** How long its last event may take to get there. */
const MOST_GOODBYE_MS = 5_000
/** How long a right that was taken away is still good for, besides what verdicts are remembered. */
const RECHECK_MS = 60_000
const END_OF_EVENT = Buffer.from('\n\n')
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

  /** Sends the whole state and goes on with changes. Returns why not, where it does not. */
  add(watcher: Watcher): Refusal | undefined {
    const { query, reader, response } = watcher
    const { feed, leader } = this.#deps
    // It may have hung up while it was asked about.
    if (response.destroyed) return undefined
    const answer = feed.answer(query, reader)
    if (answer === 'NotLeading') return notLeading(leader())
    if (answer === 'Busy') return TOO_MANY_QUESTIONS
    const full = tooManyWatchers(MOST_WATCHERS)
    if (!this.#makeRoom(reader, full)) return full
    feed.measured(() => this.#open(watcher, answer))
    this.#run()
    return undefined
  }

  #open(watcher: Watcher, { state, bytes }: Answer): void {
    const { query, response } = watcher
    const key = JSON.stringify(query)
    const audience = this.#audiences.get(key) ?? { query, state, watchers: new Set() }
    this.#audiences.set(key, audience)
    // The answer may be newer than the last round.
    this.#tellOne(audience, state)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const nowMs = this.#deps.clock.monotonicMs()
    const times = { sinceMs: nowMs, sentAtMs: nowMs, checkedAtMs: nowMs, behindSinceMs: undefined }
    const open: Open = { ...watcher, ...times, audience }
    audience.watchers.add(open)
    this.#size += 1
    response.on('error', () => undefined)
    response.once('close', () => this.#forget(open))
    response.on('drain', () => {
      open.behindSinceMs = undefined
    })
    this.#send(open, [beginningOf('state'), bytes, END_OF_EVENT], nowMs)
  }

  /** Makes room for one more of this reader where all places are taken. False where nobody has to go for it. */
  #makeRoom(reader: string, refusal: Refusal): boolean {
    if (this.#size < MOST_WATCHERS) return true
    const closed = placeFor(reader, this.#all())
    if (closed) this.#end(closed, refusal)
    return closed !== undefined
  }

  #forget(open: Open): void {
    if (open.audience.watchers.delete(open)) this.#size -= 1
  }

  /** Goes on in rounds while somebody watches. In most there is nothing to do: snapshots are rare. */
  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#deps.timers.after(ROUND_MS, () => void this.#round())
  }

  async #round(): Promise<void> {
    const { log } = this.#deps
    for (const [key, { watchers }] of this.#audiences) if (watchers.size === 0) this.#audiences.delete(key)
    try {
      if (this.#size > 0) await this.#tell()
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the state cannot be told to those who watch')
      for (const open of this.#all()) this.#end(open, FAULT)
    }
    for (const open of this.#all()) this.#look(open)
    this.#isRunning = false
    if (this.#size > 0) this.#run()
  }

  async #tell(): Promise<void> {
    const { feed, leader, timers } = this.#deps
    if (!feed.snapshot()) {
      for (const open of this.#all()) this.#end(open, notLeading(leader()))
      return
    }
    for (const audience of [...this.#audiences.values()]) {
      // Gates are served before the next kind of reader is.
      await new Promise<void>(resolve => timers.soon(resolve))
      feed.measured(() => {
        const state = feed.state(audience.query)
        if (state) this.#tellOne(audience, state)
      })
    }
  }

  #tellOne(audience: Audience, state: State): void {
    this.#hangUpOnUnread()
    if (audience.state === state) return
    const changes = changesBetween(audience.state, state)
    audience.state = state
    if (!changes || audience.watchers.size === 0) return
    const bytes = Buffer.concat([beginningOf('changes'), Buffer.from(JSON.stringify(changes)), END_OF_EVENT])
    const nowMs = this.#deps.clock.monotonicMs()
    for (const open of audience.watchers) this.#send(open, [bytes], nowMs)
  }

  /** What was sent this second may be on its way still. */
  #hangUpOnUnread(): void {
    const longAgoMs = this.#deps.clock.monotonicMs() - ROUND_MS
    const behind = this.#all().filter(({ behindSinceMs = Number.POSITIVE_INFINITY }) => behindSinceMs <= longAgoMs)
    const unread = behind.map(open => ({ ...open, bytes: open.response.writableLength }))
    for (const { response } of tooMuchUnread(unread, MOST_UNREAD_OF_ALL_BYTES)) response.destroy()
  }

  /** Keeps a watch alive, hangs up one that does not read, and asks from time to time whether it may still. */
  #look(open: Open): void {
    const { response } = open
    const nowMs = this.#deps.clock.monotonicMs()
    if (nowMs - (open.behindSinceMs ?? nowMs) > MOST_BEHIND_MS) {
      response.destroy()
      return
    }
    if (nowMs - open.sentAtMs >= KEEP_ALIVE_MS - ROUND_MS * 2) this.#send(open, [KEEP_ALIVE], nowMs)
    if (nowMs - open.checkedAtMs < RECHECK_MS) return
    open.checkedAtMs = nowMs
    void open.recheck().then(refusal => refusal && this.#end(open, refusal))
  }

  #send(open: Open, parts: readonly Buffer[], nowMs: number): void {
    const { response } = open
    if (response.destroyed) return
    for (const part of parts) response.write(part)
    open.sentAtMs = nowMs
    if (response.writableNeedDrain) open.behindSinceMs ??= nowMs
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy()
  }

  /** Its place is free at once, whether or not it reads its last event. */
  #end(open: Open, { body }: Refusal): void {
    const { response } = open
    this.#forget(open)
    if (response.destroyed) return
    response.end(Buffer.concat([beginningOf('end'), Buffer.from(JSON.stringify(body)), END_OF_EVENT]))
    const callOff = this.#deps.timers.after(MOST_GOODBYE_MS, () => response.destroy())
    response.once('close', callOff)
  }

  #all(): Open[] {
    return [...this.#audiences.values()].flatMap(({ watchers }) => [...watchers])
  }
}

/** Of a server-sent event, whose data is JSON, which has no line ends of its own. */
function beginningOf(event: string): Buffer {
  return Buffer.from(`event: ${event}\ndata: `)
}
