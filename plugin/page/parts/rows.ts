import type { ComponentChildren, VNode } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { html } from './html.ts'
import { useNarrow, useWindow } from './window.ts'

export interface ColumnOf<R> {
  id: string
  title: string
  cell: (row: R) => ComponentChildren
}

export interface RowsProps<R extends { id: string }> {
  label: string
  rows: readonly R[]
  columns: readonly ColumnOf<R>[]
  /** Where Enter and a click on the row lead. */
  href?: (row: R) => string
  /** Lines of a row on a narrow screen. */
  lines: number
}

const ROW_HEIGHT = 34
/** On a narrow screen, where a row has some lines. */
const LINE_HEIGHT = 21
const LINES_MARGIN = 14

/** Any number of rows, of which those that can be seen exist. Arrow keys, Page Up and Down, Home and End move. */
export function Rows<R extends { id: string }>({ label, rows, columns, href, lines }: RowsProps<R>): VNode {
  const scroller = useRef<HTMLDivElement>(null)
  const height = useNarrow() ? lines * LINE_HEIGHT + LINES_MARGIN : ROW_HEIGHT
  const { first, end } = useWindow(scroller, rows.length, height)
  const active = useActive(rows.length, scroller, height)
  useKeptFocus(scroller, active)
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1)
    const row = rows[active.index]
    if (event.key === 'Enter' && row && href && event.target === event.currentTarget) location.hash = href(row)
    const to = moved(event.key, active.index, { page, count: rows.length })
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    active.move(to)
  }
  const shown = rows.slice(first, end)
  // Where the active row is scrolled away, the first that is there can be reached by Tab.
  const reached = active.index >= first && active.index < end ? active.index : first
  return html`
    <div class="rows rows-${columns.length}" role="grid" aria-label=${label} aria-rowcount=${rows.length + 1}>
      <div role="rowgroup" class="rows-head">
        <div role="row" aria-rowindex="1" class="row">
          ${columns.map(({ id, title }) => html`<span role="columnheader" class="cell cell-${id}">${title}</span>`)}
        </div>
      </div>
      <div role="presentation" class="rows-body" ref=${scroller}>
        <div role="rowgroup" class="rows-all" style=${{ height: `${rows.length * height}px` }}>
          ${shown.map((row, i) => {
            const index = first + i
            return html`<div
              key=${row.id}
              role="row"
              class="row"
              aria-rowindex=${index + 2}
              data-index=${index}
              tabindex=${index === reached ? 0 : -1}
              style=${{ top: `${index * height}px`, height: `${height}px` }}
              onFocus=${() => active.take(index)}
              onKeyDown=${onKeyDown}
            >
              ${columns.map(({ id, cell }) => html`<span role="gridcell" class="cell cell-${id}">${cell(row)}</span>`)}
            </div>`
          })}
        </div>
      </div>
    </div>
  `
}

interface Active {
  index: number
  /** Makes a row the one that keys start from, brings it into view and gives it the focus. */
  move(to: number): void
  /** It has the focus already. */
  take(index: number): void
}

function useActive(count: number, scroller: { current: HTMLDivElement | null }, height: number): Active {
  // Keys may come faster than drawing.
  const latest = useRef(0)
  const [wanted, setWanted] = useState({ index: 0, focus: false })
  latest.current = Math.max(0, Math.min(latest.current, count - 1))
  useLayoutEffect(() => {
    const element = scroller.current
    if (!wanted.focus || !element) return
    const top = wanted.index * height
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + height > element.scrollTop + element.clientHeight)
      element.scrollTop = top + height - element.clientHeight
    const focus = (): boolean => {
      const row = element.querySelector<HTMLElement>(`[data-index="${wanted.index}"]`)
      row?.focus({ preventScroll: true })
      return row !== null
    }
    // A row that was far away exists only after the scroll was drawn.
    if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus))
  }, [wanted])
  return {
    get index() {
      return latest.current
    },
    move(to) {
      latest.current = to
      setWanted({ index: to, focus: true })
    },
    take(index) {
      if (latest.current === index) return
      latest.current = index
      setWanted({ index, focus: false })
    },
  }
}

/** The focused row may be gone when the next news come. Whoever uses keys then is where it was, not at the top. */
function useKeptFocus(scroller: { current: HTMLDivElement | null }, active: Active): void {
  // Before this drawing.
  const hadFocus = scroller.current?.contains(document.activeElement) ?? false
  useLayoutEffect(() => {
    const element = scroller.current
    if (!hadFocus || !element || element.contains(document.activeElement)) return
    element.querySelector<HTMLElement>(`[data-index="${active.index}"]`)?.focus({ preventScroll: true })
  })
}

function moved(key: string, from: number, { page, count }: { page: number; count: number }): number | undefined {
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }
  const last = count - 1
  if (key === 'Home') return 0
  if (key === 'End') return last
  const step = steps[key]
  return step === undefined ? undefined : Math.max(0, Math.min(last, from + step))
}
