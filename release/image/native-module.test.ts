import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ownArch } from '../model/platforms.ts'
import { checkIntegrity, installedOrNpm, nativePackage } from './native-module.ts'

const ROOT = join(import.meta.dirname, '..', '..')

async function folder(lock: object = { packages: {} }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'native-module-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await writeFile(join(dir, 'package-lock.json'), JSON.stringify(lock))
  return dir
}

test('packages are named as npm names them', () => {
  expect(nativePackage('amd64')).toBe('node-unix-socket-linux-x64-gnu')
  expect(nativePackage('arm64')).toBe('node-unix-socket-linux-arm64-gnu')
})

test('what npm has installed is taken as it is', async () => {
  const to = join(await folder(), 'to')
  await installedOrNpm(ROOT)(nativePackage(ownArch()), to)
  expect(await readdir(to)).toContainEqual(expect.stringMatching(/\.node$/))
})

test('what the lock file does not have, or not with a hash, is never downloaded', async () => {
  const name = nativePackage('arm64')
  const root = await folder()
  await expect(installedOrNpm(root)(name, join(root, 'to'))).rejects.toThrow(`${name} is not in package-lock.json`)
  const bare = await folder({ packages: { [`node_modules/${name}`]: { version: '0.2.7' } } })
  await expect(installedOrNpm(bare)(name, join(bare, 'to'))).rejects.toThrow(
    `no integrity for ${name}@0.2.7, so that nothing tells whether npm's is the right one: write there what`,
  )
})

test('content with another hash is refused', () => {
  const content = Buffer.from('content')
  const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`
  expect(() => checkIntegrity('it', content, integrity)).not.toThrow()
  expect(() => checkIntegrity('it', Buffer.from('another'), integrity)).toThrow(`package-lock.json wants ${integrity}`)
})
