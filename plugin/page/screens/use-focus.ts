import { useEffect, useState } from 'preact/hooks'
import type { State } from '../../../core/state-api.ts'
import { openFeed } from '../live/feed.ts'

export interface Focus {
  /** Undefined until it is there. */
  state?: State
  /** Why it will not come. */
  problem?: string
}

/**
 * What the leader tells of one pod or one line, where the page's own state is cut; nothing without a query. Each has a
 * connection of its own, of which browsers open few to one address.
 */
export function useFocus(query: Record<string, string> | undefined): Focus {
  const [focus, setFocus] = useState<Focus>({})
  const address = query && `events?${new URLSearchParams(query)}`
  useEffect(() => {
    setFocus({})
    if (address === undefined) return
    return openFeed(address, {
      onState: state => setFocus({ state }),
      // What else is wrong with the connection is told of the page's own one.
      onConnection: event => {
        if (event.kind === 'refused') setFocus({ problem: event.sentence })
      },
    })
  }, [address])
  return focus
}
