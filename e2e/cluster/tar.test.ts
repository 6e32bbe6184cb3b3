import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { tarArchive } from './tar.ts'

test('tar reads what tarArchive wrote', () => {
  const archive = tarArchive([
    { path: 'a', content: Buffer.from('hello') },
    { path: 'dir/b', mode: 0o755, content: Buffer.alloc(512, 'x') },
  ])
  expect(execFileSync('tar', ['-tvf', '-'], { input: archive }).toString()).toMatch(
    /-rw-r--r-- .* 5 .* a\n-rwxr-xr-x .* 512 .* dir\/b\n/,
  )
  expect(execFileSync('tar', ['-xOf', '-', 'a'], { input: archive }).toString()).toBe('hello')
})

test('equal content is equal bytes', () => {
  const make = () => tarArchive([{ path: 'a', content: Buffer.from('hello') }])
  expect(make().equals(make())).toBe(true)
})
