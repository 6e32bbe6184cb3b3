import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { BUNDLES } from './build.ts'
import { NATIVE_MODULE, nativePackage } from './release/image/native-module.ts'
import { ownArch } from './release/model/platforms.ts'
import { headingOf, packagesIn, thirdPartyNotices } from './third-party.ts'

const ROOT = import.meta.dirname

/** As package-lock.json has it; a package of another name than its folder says so. */
interface Locked {
  name?: string
  version: string
  license?: string
}

test('every package that is bundled, and the native module, has a notice with a license', async () => {
  const { metafile } = await build({ ...BUNDLES, write: false })
  const native = [NATIVE_MODULE, nativePackage(ownArch())].map(name => join('node_modules', name))
  const folders = [...packagesIn(metafile), ...native]
  const notices = await thirdPartyNotices(ROOT, folders)
  const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>
  }
  for (const name of [
    'fastify',
    'pino',
    'node-forge',
    'prom-client',
    'yaml',
    '@kubernetes/client-node',
    'node-unix-socket',
  ])
    expect(folders).toContain(`node_modules/${name}`)
  for (const folder of folders) {
    const locked = packages[folder]
    const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length)
    expect(locked, `${folder} in package-lock.json`).toBeDefined()
    expect(notices).toContain(`\n${headingOf({ name, ...(locked as Locked) })}\n\n`)
  }
  const sections = notices.split(`\n${'-'.repeat(80)}\n\n`).slice(1)
  expect(sections).toHaveLength(folders.length)
  for (const section of sections) expect(section).toMatch(/copyright|public domain/i)
})

async function madePackage(manifest: object, files: Record<string, string> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'third-party-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'p'))
  for (const [name, text] of Object.entries({
    ...files,
    'package.json': JSON.stringify({ name: 'p', version: '1.0.0', ...manifest }),
  }))
    await writeFile(join(folder, 'p', name), text)
  return folder
}

test('a license and a notice are both in', async () => {
  const root = await madePackage({ license: 'Apache-2.0' }, { 'LICENSE.txt': 'the license', NOTICE: 'the notice' })
  expect(await thirdPartyNotices(root, ['p'])).toContain('\np 1.0.0 (Apache-2.0)\n\nthe license\n\nthe notice\n')
})

test('of MIT the standard text stands in for a file that is missing, with its author', async () => {
  const root = await madePackage({ license: 'MIT', author: 'Jane Doe <jane@example.com>' })
  expect(await thirdPartyNotices(root, ['p'])).toContain('Copyright (c) Jane Doe <jane@example.com>\n\nPermission is')
})

test('a package without a license stops the build', async () => {
  const root = await madePackage({ license: 'BSD-3-Clause', author: 'Jane Doe' })
  await expect(thirdPartyNotices(root, ['p'])).rejects.toThrow('package p has no license file')
})
