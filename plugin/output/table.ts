/**
 * Rows under a heading, in columns as wide as their widest cell, three blanks apart, as kubectl shows them. The last
 * column is as long as it is. Cells are plain text: what is coloured has another width.
 */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), title.length),
  )
  const line = (cells: readonly string[]): string =>
    `${cells
      .map((cell, column) => (column === heading.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('   ')
      .trimEnd()}\n`
  return [heading, ...rows].map(line).join('')
}
