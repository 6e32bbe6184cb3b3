import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { html } from '../html.ts'
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
  const [active, setActive] = useActive(rows.length, scroller, height)
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1)
    const row = rows[active]
    if (event.key === 'Enter' && row && href && event.target === event.currentTarget) location.hash = href(row)
    const to = moved(event.key, active, { page, count: rows.length })
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    setActive(to)
  }
  const shown = rows.slice(first, end)
  const isActiveShown = active >= first && active < end
  return html`
    <div class="rows rows-${columns.length}" role="grid" aria-label=${label} aria-rowcount=${rows.length + 1}>
      <div role="rowgroup" class="rows-head">
        <div role="row" aria-rowindex="1" class="row">
          ${columns.map(({ id, title }) => html`<span role="columnheader" class="cell cell-${id}">${title}</span>`)}
        </div>
      </div>
      <div role="presentation" class="rows-body" ref=${scroller} tabindex=${isActiveShown ? -1 : 0}>
        <div role="rowgroup" class="rows-all" style=${{ height: `${rows.length * height}px` }}>
          ${shown.map((row, i) => {
            const index = first + i
            return html`<div
              key=${row.id}
              role="row"
              class="row"
              aria-rowindex=${index + 2}
              data-index=${index}
              tabindex=${index === active ? 0 : -1}
              style=${{ top: `${index * height}px`, height: `${height}px` }}
              onFocus=${() => setActive(index, false)}
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

/** The row that keys start from; `setActive` also brings it into view and gives it the focus. */
function useActive(
  count: number,
  scroller: { current: HTMLDivElement | null },
  height: number,
): [number, (index: number, focus?: boolean) => void] {
  const [wanted, setWanted] = useState({ index: 0, focus: false })
  const index = Math.max(0, Math.min(wanted.index, count - 1))
  useEffect(() => {
    const element = scroller.current
    if (!wanted.focus || !element) return
    const top = index * height
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + height > element.scrollTop + element.clientHeight)
      element.scrollTop = top + height - element.clientHeight
    const row = element.querySelector<HTMLElement>(`[data-index="${index}"]`)
    if (row) row.focus({ preventScroll: true })
    else
      requestAnimationFrame(() =>
        element.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus({ preventScroll: true }),
      )
  }, [wanted])
  return [index, (to, focus = true) => setWanted({ index: to, focus })]
}

function moved(key: string, from: number, { page, count }: { page: number; count: number }): number | undefined {
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }
  const last = count - 1
  if (key === 'Home') return 0
  if (key === 'End') return last
  const step = steps[key]
  return step === undefined ? undefined : Math.max(0, Math.min(last, from + step))
}
