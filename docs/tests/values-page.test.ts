import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { valuesIn, valuesPage } from './values-page.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const CHART = readFileSync(join(ROOT, 'charts', 'startgate', 'values.yaml'), 'utf8')

test('docs/reference/values.md is what `node docs/tests/write-values-page.ts` writes', () => {
  expect(readFileSync(join(ROOT, 'docs', 'reference', 'values.md'), 'utf8')).toBe(valuesPage(CHART))
})

test('every value is listed once with what helm takes for it', () => {
  const values = valuesIn(CHART).filter(({ value }) => value !== '')
  const tree = parse(CHART)
  const at = (path: string) => path.split('.').reduce((node, key) => node[key], tree)
  expect(values.map(({ path }) => at(path))).toEqual(values.map(({ value }) => JSON.parse(value)))
  expect(new Set(values.map(({ path }) => path)).size).toBe(values.length)
  const leaves = (node: unknown): number =>
    typeof node === 'object' && node !== null && !Array.isArray(node) && Object.keys(node).length > 0
      ? Object.values(node).reduce((sum: number, child) => sum + leaves(child), 0)
      : 1
  const inFlow = values.reduce((sum, { path }) => sum + leaves(at(path)), 0)
  expect(inFlow).toBe(leaves(tree))
})

test('comments are those above a value; of two paragraphs the last', () => {
  const text = `# Of the whole file.

# Of a.
# And more | of it.
a: 1
b:
  # Of c.
  c: null
  d: {x: 1}
# Of e.
e:
  f: [] # not above
`
  expect(valuesIn(text)).toEqual([
    { path: 'a', value: '1', comment: 'Of a. And more | of it.' },
    { path: 'b.c', value: 'null', comment: 'Of c.' },
    { path: 'b.d', value: '{"x":1}', comment: '' },
    { path: 'e', value: '', comment: 'Of e.' },
    { path: 'e.f', value: '[]', comment: '' },
  ])
  expect(valuesPage(text)).toContain('| `a` | `1` | Of a. And more \\| of it. |\n| `b.c` | `null` | Of c. |\n')
})
