import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tarFiles } from './tar-files.ts'

const LONG = `${'folder-'.repeat(8)}/${'name-'.repeat(18)}end`

async function archiveOf(format: string): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'tar-files-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const tree = join(dir, 'tree')
  await mkdir(join(tree, LONG, '..'), { recursive: true })
  await writeFile(join(tree, 'plain'), 'some words', { mode: 0o640 })
  await writeFile(join(tree, 'empty'), '')
  await writeFile(join(tree, LONG), Buffer.alloc(1500, 'x'), { mode: 0o755 })
  await symlink('plain', join(tree, 'link'))
  execFileSync('tar', ['-C', tree, '--sort=name', `--format=${format}`, '-cf', join(dir, 'out.tar'), '.'])
  return readFile(join(dir, 'out.tar'))
}

test.each(['gnu', 'ustar', 'pax'])('regular files of an archive that GNU tar has written as %s', async format => {
  const files = [...tarFiles(await archiveOf(format))].map(({ path, mode, content }) => [path, mode, content.length])
  expect(files).toEqual([
    ['empty', 0o644, 0],
    [LONG, 0o755, 1500],
    ['plain', 0o640, 10],
  ])
})

test('one that is cut off is refused', async () => {
  const archive = await archiveOf('gnu')
  expect(() => [...tarFiles(archive.subarray(0, 2048))]).toThrow('the archive is cut off')
})
