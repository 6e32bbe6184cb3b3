import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { html } from './html.ts'
import { useMedia } from './window.ts'

export interface Series {
  label: string
  /** Name of a colour of page.css. */
  colour: string
  kind: 'area' | 'line' | 'limit'
}

export interface ChartProps {
  title: string
  series: readonly Series[]
  /** Seconds since the epoch, then the values of each series; null is a gap. */
  data: readonly (readonly (number | null)[])[]
  /** What it shows, in a sentence, for who cannot see it. */
  says: string
}

const HEIGHT = 150
/** So that a page that was just opened has an axis to read. */
const LEAST_SECONDS = 60

/** Values over time, on a canvas; drawn anew where only its data changed. */
export function Chart({ title, series, data, says }: ChartProps): VNode {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const isDark = useMedia('(prefers-color-scheme: dark)')
  useEffect(() => {
    const element = place.current
    if (!element) return
    const made = new uPlot(optionsOf(series, element.clientWidth), data as uPlot.AlignedData, element)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [isDark, series])
  useEffect(() => {
    const made = plot.current
    if (!made) return
    made.setData(data as uPlot.AlignedData)
    if ((made.cursor.left ?? -1) < 0) made.setLegend({ idx: (data[0]?.length ?? 1) - 1 })
  })
  return html`<figure class="chart">
    <figcaption>${title}</figcaption>
    <div ref=${place} role="img" aria-label=${`${title}: ${says}`}></div>
  </figure>`
}

function optionsOf(series: readonly Series[], width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  const font = `11px ${style.getPropertyValue('--font')}`
  const axis: uPlot.Axis = {
    ...{ stroke: colour('muted'), font, ticks: { show: false } },
    grid: { stroke: colour('grid'), width: 1 },
  }
  return {
    ...{ width, height: HEIGHT, padding: [8, 8, 0, 0] },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 5 } },
    legend: { live: true },
    scales: {
      x: { range: (_, min, max) => [Math.min(min ?? 0, (max ?? 0) - LEAST_SECONDS), max ?? 0] },
      y: { range: (_, __, max) => [0, Math.max(2, Math.ceil((max ?? 0) * 1.12))] },
    },
    axes: [
      { ...axis, values: (_, splits) => splits.map(timeOf), space: 72, size: 24 },
      { ...axis, size: 42, space: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 5e4] },
    ],
    series: [{ label: 'at', value: (_, at) => (at ? timeOf(at) : '–') }, ...series.map(each => seriesOf(each, colour))],
  }
}

function seriesOf({ label, colour: name, kind }: Series, colour: (name: string) => string): uPlot.Series {
  const stepped = uPlot.paths.stepped?.({ align: 1 })
  return {
    ...{ label, stroke: colour(name), width: kind === 'limit' ? 1.5 : 2, points: { show: false } },
    ...(kind === 'area' && { fill: colour(`${name}-fill`) }),
    ...(kind === 'limit' && { dash: [5, 4] }),
    ...(stepped && { paths: stepped }),
    value: (_, value) => (value === null || value === undefined ? '–' : String(value)),
  }
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

function timeOf(seconds: number): string {
  return CLOCK.format(seconds * 1000)
}
