import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

/** Every module of this repository that a module reaches, itself included. */
function reached(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const [, from] of readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
    reached(join(dirname(path), from ?? ''), seen)
  }
  return seen
}

test('the observer shares no code with what it judges', () => {
  const modules = [...reached(join(import.meta.dirname, 'observer.ts'))].map(path => relative(root, path))
  expect(modules).toContain('e2e/observer/starting-fold.ts')
  expect(modules.filter(path => !path.startsWith('e2e/observer/'))).toEqual([])
})

test.each(['starting-fold', 'pull-fold', 'stamp-fold'])('%s is pure: no Node module, no package', name => {
  for (const path of reached(join(import.meta.dirname, `${name}.ts`))) {
    const imports = [...readFileSync(path, 'utf8').matchAll(/from ['"]([^'"]+)['"]/g)].map(match => match[1])
    expect(imports.filter(from => !from?.startsWith('./'))).toEqual([])
  }
})
