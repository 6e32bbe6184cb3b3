/** One line of the summary: what was measured without and with startgate, against the limit where there is one. */
export interface Figure {
  what: string
  limit?: number
  ungated: string
  gated: string
  /** The promise that this figure breaks, as a sentence. */
  broken?: string
}

/** The summary as lines. A figure that breaks a promise is marked. */
export function renderSummary(figures: Figure[]): string[] {
  const table = [
    ['', 'limit', 'without', 'with startgate'],
    ...figures.map(({ what, limit, ungated, gated, broken }) => [
      what,
      limit === undefined ? '-' : String(limit),
      ungated,
      gated + (broken === undefined ? '' : ' !'),
    ]),
  ]
  const widths = [0, 1, 2, 3].map(column => Math.max(...table.map(row => row[column]?.length ?? 0)))
  return table.map(row =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[i] ?? 0) + 3))).join(''),
  )
}

/** The promises that were broken: the demo has failed when there is one. */
export function broken(figures: { broken?: string }[]): string[] {
  return figures.flatMap(figure => figure.broken ?? [])
}
