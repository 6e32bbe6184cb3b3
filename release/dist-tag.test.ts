import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { distTag, publishedLatest } from './dist-tag.ts'

test.each([
  ['0.1.0', undefined, 'latest'],
  ['1.3.0', '1.2.9', 'latest'],
  ['1.10.0', '1.9.9', 'latest'],
  ['2.0.0', '2.0.0-rc.1', 'latest'],
  ['1.2.10', '1.3.0', 'release-1.2'],
  ['1.3.0', '1.3.0', 'release-1.3'],
  ['1.9.9', '1.10.0', 'release-1.9'],
  ['1.4.0-rc.1', '1.3.0', 'next'],
  ['1.4.0-rc.1', undefined, 'next'],
])('%s after %s is published as %s', (version, published, tag) => expect(distTag(version, published)).toBe(tag))

test('what npm calls latest is not guessed', () => {
  expect(() => distTag('1.2.3', 'newest')).toThrow('"newest" is not a version')
})

/** A program in place of npm that writes this and ends so. */
async function saying(text: string, code: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'npm-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'npm')
  await writeFile(file, `#!/bin/sh\necho '${text}'\nexit ${code}\n`)
  await chmod(file, 0o755)
  return file
}

test('npm is asked for its latest; a package that is not there yet has none, and any other failure is one', async () => {
  expect(await publishedLatest('x', await saying('{"latest":"1.2.3","next":"2.0.0-rc.1"}', 0))).toBe('1.2.3')
  expect(await publishedLatest('x', await saying('{"error":{"code":"E404"}}', 1))).toBeUndefined()
  for (const text of ['{"error":{"code":"ECONNREFUSED"}}', 'no JSON', ''])
    await expect(publishedLatest('x', await saying(text, 1))).rejects.toThrow('npm cannot say which version of x')
})
