import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const PARTS = ['core', 'webhook', 'gate', 'certs', 'charts', 'e2e', 'release']

const files = PARTS.flatMap(part =>
  readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' }).map(file => `/${part}/${file}`),
)

test.each(['security.md', 'guides/service-mesh.md'])('every test that docs/%s names is there', page => {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8')
  const named = [...text.matchAll(/[\w./-]+\.ts\b/g)].map(([name]) => name)
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter(name => !files.some(file => file.endsWith(`/${name}`)))).toEqual([])
})
