import type { Readable, Writable } from 'node:stream'

/** What the browser says of itself: https://chromedevtools.github.io/devtools-protocol/ */
export interface DevtoolsEvent {
  method: string
  params: Record<string, unknown>
  sessionId?: string
}

interface Answer {
  id?: number
  result?: Record<string, unknown>
  error?: { message: string }
}

/** The DevTools protocol over a pair of pipes: JSON messages that end in a NUL byte. */
export interface Devtools {
  send(method: string, params?: object, sessionId?: string): Promise<Record<string, unknown>>
  /** Returns what ends it. */
  listen(listener: (event: DevtoolsEvent) => void): () => void
}

export function devtools(to: Writable, from: Readable): Devtools {
  const asked = new Map<number, PromiseWithResolvers<Record<string, unknown>>>()
  const listeners = new Set<(event: DevtoolsEvent) => void>()
  let lastId = 0
  let rest: Buffer[] = []
  const take = (message: Answer | DevtoolsEvent): void => {
    if ('method' in message) {
      for (const listener of listeners) listener(message)
      return
    }
    const waiting = asked.get(message.id ?? 0)
    asked.delete(message.id ?? 0)
    if (message.error) waiting?.reject(new Error(message.error.message))
    else waiting?.resolve(message.result ?? {})
  }
  from.on('data', (chunk: Buffer) => {
    let start = 0
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, start)) {
      take(JSON.parse(Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8')))
      rest = []
      start = end + 1
    }
    rest.push(chunk.subarray(start))
  })
  from.on('close', () => {
    for (const { reject } of asked.values()) reject(new Error('the browser has ended'))
    asked.clear()
  })
  to.on('error', () => undefined)
  return {
    async send(method, params = {}, sessionId) {
      const id = ++lastId
      const answer = Promise.withResolvers<Record<string, unknown>>()
      asked.set(id, answer)
      to.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`)
      return answer.promise
    },
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
