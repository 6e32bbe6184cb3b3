import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The text of the chart's values.yaml, which the build puts in; there is none when this file runs as it is. */
declare const CHART_VALUES: string | undefined

/** The chart's values with their defaults, as text. */
export function chartDefaults(): string {
  if (typeof CHART_VALUES === 'string') return CHART_VALUES
  return readFileSync(join(import.meta.dirname, '..', '..', 'charts', 'startgate', 'values.yaml'), 'utf8')
}
