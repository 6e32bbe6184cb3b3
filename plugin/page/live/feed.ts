import type { State, StateChanges } from '../../../core/state-api.ts'
import { applyChanges } from '../../../core/state-changes.ts'
import type { ConnectionEvent } from '../model/connection.ts'

export interface FeedListener {
  onState(state: State): void
  onConnection(event: ConnectionEvent): void
}

/** The program says something every 10 s. */
const SILENT_MS = 30_000
const AGAIN_MS = 2_000

/** Follows `address` of the program that served this page. Returns what ends it. */
export function openFeed(address: string, listener: FeedListener): () => void {
  let source: EventSource
  let heardMs = 0
  let again: ReturnType<typeof setTimeout> | undefined
  const open = (): void => {
    again = undefined
    source = connected(address, listener, () => {
      heardMs = performance.now()
    })
    heardMs = performance.now()
    source.addEventListener('error', () => {
      if (source.readyState !== EventSource.CLOSED) listener.onConnection({ kind: 'away', atMs: Date.now() })
      else void refusal(address).then(event => listener.onConnection(event))
    })
  }
  // A connection that broke without a word, as when the computer slept.
  const watchdog = setInterval(() => {
    if (again !== undefined || source.readyState === EventSource.CLOSED || performance.now() - heardMs < SILENT_MS)
      return
    source.close()
    listener.onConnection({ kind: 'away', atMs: Date.now() })
    again = setTimeout(open, AGAIN_MS)
  }, AGAIN_MS)
  open()
  return () => {
    clearInterval(watchdog)
    clearTimeout(again)
    source.close()
  }
}

function connected(address: string, { onState, onConnection }: FeedListener, heard: () => void): EventSource {
  const source = new EventSource(address)
  let state: State | undefined
  const on = (kind: string, act: (data: string) => void): void =>
    source.addEventListener(kind, event => {
      heard()
      act((event as MessageEvent<string>).data)
    })
  const tell = (next: State): void => {
    state = next
    onConnection({ kind: 'told' })
    onState(next)
  }
  on('state', data => tell(JSON.parse(data) as State))
  on('changes', data => state && tell(applyChanges(state, JSON.parse(data) as StateChanges)))
  on('trouble', data =>
    onConnection({ kind: 'trouble', ...(JSON.parse(data) as { sentence: string }), atMs: Date.now() }),
  )
  on('ping', () => undefined)
  return source
}

/** An EventSource does not tell why it was refused. */
async function refusal(address: string): Promise<ConnectionEvent> {
  try {
    const answer = await fetch(address)
    const sentence = answer.ok ? 'the connection was refused; reload this page' : (await answer.text()).trim()
    if (answer.ok) await answer.body?.cancel()
    return { kind: 'refused', sentence: sentence.slice(0, 300) }
  } catch {
    return { kind: 'away', atMs: Date.now() }
  }
}
