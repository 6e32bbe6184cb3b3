import { CodedError } from './errors.ts'

/** As many calls wait as may, and none of them is of a caller that has more than the new one's. */
export class TooManyCallsError extends CodedError {
  readonly code = 'TOO_MANY_CALLS'
  constructor(waiting: number) {
    super(`${waiting} calls are waiting already: try again`)
  }
}

export interface CallLimits {
  /** At the same time. */
  running: number
  /** For their turn. */
  waiting: number
}

interface Caller {
  running: number
  waiting: { begin: () => void; refuse: (error: TooManyCallsError) => void }[]
}

/**
 * Runs few calls at a time. The next to run is one of the caller with the fewest running; equals take turns. Beyond the
 * limit of waiting calls the caller with the most loses its newest; the new call itself is refused (TooManyCallsError)
 * where its own caller has the most.
 */
export function fairCalls(limits: CallLimits): <T>(caller: string, act: () => Promise<T>) => Promise<T> {
  const queue = new CallQueue(limits)
  return async (caller, act) => {
    await queue.turn(caller)
    try {
      return await act()
    } finally {
      queue.end(caller)
    }
  }
}

class CallQueue {
  readonly #limits: CallLimits
  /** Those with a call running or waiting. A Map keeps insertion order: who was served, or came, last is last. */
  readonly #callers = new Map<string, Caller>()
  #running = 0
  #waiting = 0

  constructor(limits: CallLimits) {
    this.#limits = limits
  }

  turn(name: string): Promise<void> {
    const caller = this.#callers.get(name) ?? { running: 0, waiting: [] }
    this.#makeRoomFor(caller)
    this.#callers.set(name, caller)
    const { promise, resolve: begin, reject: refuse } = Promise.withResolvers<void>()
    caller.waiting.push({ begin, refuse })
    this.#waiting++
    this.#serve()
    return promise
  }

  end(name: string): void {
    const caller = this.#callers.get(name)
    if (!caller) return
    caller.running--
    this.#running--
    this.#forgetIdle(name, caller)
    this.#serve()
  }

  #serve(): void {
    while (this.#running < this.#limits.running && this.#waiting > 0) {
      const [name, caller] = this.#next()
      caller.waiting.shift()?.begin()
      caller.running++
      this.#waiting--
      this.#running++
      this.#callers.delete(name)
      this.#callers.set(name, caller)
    }
  }

  /** Only to be asked while somebody waits. */
  #next(): [string, Caller] {
    let best: [string, Caller] | undefined
    for (const entry of this.#callers) {
      if (entry[1].waiting.length === 0) continue
      if (!best || entry[1].running < best[1].running) best = entry
    }
    if (!best) throw new Error('calls are counted as waiting that no caller has')
    return best
  }

  #makeRoomFor(newcomer: Caller): void {
    if (this.#waiting < this.#limits.waiting) return
    let most: [string, Caller] | undefined
    for (const entry of this.#callers)
      if (entry[1].waiting.length > (most?.[1].waiting.length ?? newcomer.waiting.length)) most = entry
    if (!most) throw new TooManyCallsError(this.#waiting)
    const [name, caller] = most
    caller.waiting.pop()?.refuse(new TooManyCallsError(this.#waiting))
    this.#waiting--
    this.#forgetIdle(name, caller)
  }

  #forgetIdle(name: string, { running, waiting }: Caller): void {
    if (running === 0 && waiting.length === 0) this.#callers.delete(name)
  }
}
