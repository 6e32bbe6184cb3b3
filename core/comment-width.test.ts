import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const PARTS = ['core', 'webhook', 'gate', 'certs', 'plugin', 'charts', 'e2e', 'bench', 'docs']
const COLUMNS = 120

/** The formatter wraps code and leaves comments as they are. */
const COMMENT = /^\s*(\/\/|\/?\*|#)/

const isSource = (path: string): boolean =>
  /\.(ts|sh|yaml|tpl)$/.test(path) && !path.includes('testdata/') && !path.includes('node_modules/')

test(`comment lines end at ${COLUMNS} columns`, () => {
  const files = PARTS.flatMap(part =>
    readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' }).map(file => join(part, file)),
  ).filter(isSource)
  const tooLong = files.flatMap(file =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => (COMMENT.test(line) && [...line].length > COLUMNS ? [`${file}:${index + 1}`] : [])),
  )
  expect(files.length).toBeGreaterThan(100)
  expect(tooLong).toEqual([])
})
