import { scaleLinear } from 'd3-scale'
import { curveStepAfter, line } from 'd3-shape'

export interface Series {
  name: string
  /** Ms from apply at which one more was ready, the earliest first. */
  readyMs: readonly number[]
  /** Until when it was watched, where not all became ready. */
  untilMs: number
}

export interface ChartText {
  title: string
  /** Of what the vertical axis counts up to. */
  pods: number
}

/** Paul Tol's bright scheme, told apart by people with any colour vision; dashes tell the lines apart in print. */
const COLOURS = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377', '#bbbbbb']
const DASHES = ['', '8 3', '2 3', '10 3 2 3', '5 2', '1 2', '14 4']
const SIZE = { width: 840, height: 420 }
const PLOT = { left: 56, right: 700, top: 44, bottom: 370 }
const FONT = 'font-family="system-ui, sans-serif" font-size="13" fill="#333333"'

/** An SVG of how many pods were ready over time: a stepped line for each series, which ends where its last one was. */
export function readyChart({ title, pods }: ChartText, series: readonly Series[]): string {
  const longestS = Math.max(1, ...series.map(each => endMs(each, pods) / 1_000))
  const x = scaleLinear([0, longestS], [PLOT.left, PLOT.right]).nice()
  const y = scaleLinear([0, pods], [PLOT.bottom, PLOT.top])
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" ${FONT} role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${SIZE.width}" height="${SIZE.height}" fill="#ffffff"/>`,
    text({ x: PLOT.left, y: 24, of: title, more: 'font-weight="600"' }),
    ...x.ticks(8).flatMap(tick => grid(x(tick), undefined, String(tick))),
    ...y.ticks(8).flatMap(tick => (Number.isInteger(tick) ? grid(undefined, y(tick), String(tick)) : [])),
    text({ x: PLOT.left, y: PLOT.bottom + 38, of: 's after apply: pods ready' }),
    ...series.flatMap((each, i) => drawn(each, i, { x, y, pods })),
    '</svg>',
  ]
  return `${parts.join('\n')}\n`
}

const endMs = ({ readyMs, untilMs }: Series, pods: number): number =>
  readyMs.length < pods ? untilMs : (readyMs.at(-1) ?? 0)

interface Axes {
  x: (seconds: number) => number
  y: (ready: number) => number
  pods: number
}

function drawn(series: Series, index: number, { x, y, pods }: Axes): string[] {
  const points: [number, number][] = [
    [0, 0],
    ...series.readyMs.map((ms, i): [number, number] => [ms / 1_000, i + 1]),
    [endMs(series, pods) / 1_000, series.readyMs.length],
  ]
  const path = line<[number, number]>(
    ([s]) => x(s),
    ([, ready]) => y(ready),
  )
    .curve(curveStepAfter)
    .digits(1)(points)
  const stroke = `fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="2.5" stroke-dasharray="${DASHES[index % DASHES.length]}"`
  const legendY = PLOT.top + 20 + 22 * index
  return [
    `<path d="${path}" ${stroke}/>`,
    `<path d="M${PLOT.right + 16},${legendY - 4}h28" ${stroke}/>`,
    text({ x: PLOT.right + 52, y: legendY, of: series.name }),
  ]
}

/** One line of the grid with its number: upright where `x` is given, else level. */
function grid(x: number | undefined, y: number | undefined, label: string): string[] {
  const stroke = 'stroke="#dddddd" stroke-width="1"'
  if (x !== undefined)
    return [
      `<path d="M${x.toFixed(1)},${PLOT.top}V${PLOT.bottom}" ${stroke}/>`,
      text({ x, y: PLOT.bottom + 18, of: label, more: 'text-anchor="middle"' }),
    ]
  const level = y ?? 0
  return [
    `<path d="M${PLOT.left},${level.toFixed(1)}H${PLOT.right}" ${stroke}/>`,
    text({ x: PLOT.left - 8, y: level + 4, of: label, more: 'text-anchor="end"' }),
  ]
}

function text({ x, y, of, more = '' }: { x: number; y: number; of: string; more?: string }): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped(of)}</text>`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (raw: string): string => raw.replaceAll(/[&<>"]/g, character => ENTITIES[character] ?? '')
