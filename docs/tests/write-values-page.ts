import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { valuesPage } from './values-page.ts'

/** Writes docs/reference/values.md anew. */
const root = join(import.meta.dirname, '..', '..')
const values = readFileSync(join(root, 'charts', 'startgate', 'values.yaml'), 'utf8')
writeFileSync(join(root, 'docs', 'reference', 'values.md'), valuesPage(values))
