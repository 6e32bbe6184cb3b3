import { seconds } from './table.ts'

/** One line of the summary: a figure without and with startgate, against the limit where there is one. */
export interface Figure {
  what: string
  unit: 'count' | 'ms'
  limit?: number
  ungated: number
  gated: number
}

/** The summary as lines. A gated count over its limit is marked. */
export function renderSummary(figures: Figure[]): string[] {
  const table = [
    ['', 'limit', 'without', 'with startgate'],
    ...figures.map(f => [
      f.what,
      f.limit === undefined ? '-' : String(f.limit),
      value(f, f.ungated),
      value(f, f.gated) + mark(f),
    ]),
  ]
  const widths = [0, 1, 2, 3].map(column => Math.max(...table.map(row => row[column]?.length ?? 0)))
  return table.map(row =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[i] ?? 0) + 3))).join(''),
  )
}

/** The figures that break their limit with startgate: the demo has failed when there is one. */
export function broken(figures: Figure[]): Figure[] {
  return figures.filter(f => f.limit !== undefined && f.gated > f.limit)
}

function value({ unit }: Figure, amount: number): string {
  return unit === 'ms' ? seconds(amount) : String(amount)
}

function mark(figure: Figure): string {
  return broken([figure]).length > 0 ? ' !' : ''
}
