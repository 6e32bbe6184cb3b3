import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'

/** Rows drawn above and below what can be seen, so that a fast scroll shows no gaps. */
const OVERSCAN = 8

export interface Window {
  first: number
  /** Not included. */
  end: number
}

/** Which of `count` rows of `rowHeight` pixels can be seen in the element; only those need to exist. */
export function useWindow(scroller: RefObject<HTMLElement | null>, count: number, rowHeight: number): Window {
  const [{ top, height }, setView] = useState({ top: 0, height: 800 })
  useLayoutEffect(() => {
    const element = scroller.current
    if (!element) return
    const look = (): void => {
      const next = { top: element.scrollTop, height: element.clientHeight }
      setView(before => (isSameWindow(before, next, rowHeight) ? before : next))
    }
    look()
    element.addEventListener('scroll', look, { passive: true })
    const resized = new ResizeObserver(look)
    resized.observe(element)
    return () => {
      element.removeEventListener('scroll', look)
      resized.disconnect()
    }
  }, [rowHeight, scroller.current])
  const first = Math.max(0, Math.min(Math.floor(top / rowHeight), count) - OVERSCAN)
  return { first, end: Math.min(count, Math.ceil((top + height) / rowHeight) + OVERSCAN) }
}

/** A scroll inside one row shows the same rows. */
function isSameWindow(a: View, b: View, rowHeight: number): boolean {
  return Math.floor(a.top / rowHeight) === Math.floor(b.top / rowHeight) && a.height === b.height
}

interface View {
  top: number
  height: number
}

/** Whether the screen is so narrow that rows have two lines. */
export function useNarrow(): boolean {
  return useMedia('(max-width: 720px)')
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const changed = (): void => setMatches(list.matches)
    list.addEventListener('change', changed)
    return () => list.removeEventListener('change', changed)
  }, [query])
  return matches
}
