import { useEffect, useState } from 'preact/hooks'
import type { State } from '../../../core/state-api.ts'
import { openFeed } from '../live/feed.ts'

/** What the leader tells of one pod or one line, where the page's own state may be cut; undefined until it is there. */
export function useFocus(query: Record<string, string> | undefined): State | undefined {
  const [state, setState] = useState<State>()
  const address = query && `events?${new URLSearchParams(query)}`
  useEffect(() => {
    setState(undefined)
    if (address === undefined) return
    // What is wrong with the connection is told of the page's own one.
    return openFeed(address, { onState: setState, onConnection: () => undefined })
  }, [address])
  return state
}
