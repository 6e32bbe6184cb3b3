import { notValid } from '../../core/errors.ts'
import { MAX_LIMIT } from '../../core/state-api.ts'
import { unusable } from '../model/failure.ts'

/** Reads `--rows`. Throws Failure. */
export function parseRows(text: string): number {
  const rows = Number(text)
  if (Number.isInteger(rows) && rows >= 1 && rows <= MAX_LIMIT) return rows
  throw unusable(
    `--rows: ${JSON.stringify(text)} ${notValid('number of rows', `a whole number from 1 to ${MAX_LIMIT}`)}`,
  )
}
