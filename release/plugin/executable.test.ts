import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ownArch } from '../model/platforms.ts'
import { pack, sha256 } from './archive.ts'
import { writeBlob } from './executable.ts'
import { buildExecutables, type Executables } from './executables.ts'

/* For this machine, so that it can be started. */

const PLATFORM = { os: 'linux', arch: ownArch() } as const
/** It is an ES module that waits at its top level, and uses all that the plugin's does. */
const PROGRAM = `import{createRequire}from'node:module';import{basename}from'node:path'
const require=createRequire(import.meta.url)
await Promise.resolve()
console.log(JSON.stringify([basename(process.argv[1]),process.argv.slice(2),require('node:os').EOL]))
process.exitCode=3
`
const call = promisify(execFile)
let dir = ''
let built: Executables

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'executable-'))
  const npmPackage = join(dir, 'package')
  await mkdir(npmPackage)
  const manifest = { bin: { 'kubectl-startgate': 'program.mjs' } }
  const files = {
    'package.json': JSON.stringify(manifest),
    'program.mjs': PROGRAM,
    LICENSE: 'ours',
    'THIRD-PARTY': 'theirs',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(npmPackage, name), text)
  built = await buildExecutables({
    npmPackage,
    platforms: [PLATFORM, { os: 'windows', arch: 'arm64' }],
    nodeVersion: process.versions.node,
    runtimes: async ({ os }) => {
      if (os === 'windows') throw new Error('there is none')
      return { program: process.execPath }
    },
    sign: async () => undefined,
    committedAt: 1_700_000_000,
    into: join(dir, 'archives'),
  })
  await call('tar', ['-xzf', built.archives[0]?.file ?? '', '-C', dir])
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const run = (name: string, args: string[]) => call(join(dir, name), args, { env: {} }).catch(error => error)

test('it starts where there is no Node.js, runs the program with its arguments and ends with its code', async () => {
  const { code, stdout, stderr } = await run('kubectl-startgate', ['explain', '--pod=web', '--help'])
  expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
  expect(JSON.parse(stdout)).toEqual(['kubectl-startgate', ['explain', '--pod=web', '--help'], '\n'])
})

test('the program sees the name by which it was started, as kubectl does for completion', async () => {
  await symlink('kubectl-startgate', join(dir, 'kubectl_complete-startgate'))
  const { stdout } = await run('kubectl_complete-startgate', [])
  expect(JSON.parse(stdout)[0]).toBe('kubectl_complete-startgate')
})

test('the archive has the licenses', async () => {
  const { stdout } = await call('tar', ['-tzf', built.archives[0]?.file ?? ''])
  expect(stdout.split('\n').filter(Boolean)).toEqual([
    './',
    './LICENSE',
    './LICENSE.nodejs',
    './THIRD-PARTY',
    './kubectl-startgate',
  ])
})

test('a platform for which there is no Node.js is named, with the reason', () => {
  expect(built.left).toEqual([{ platform: { os: 'windows', arch: 'arm64' }, reason: 'there is none' }])
})

test('what is put into Node.js, and an archive, are the same for the same sources', async () => {
  const twice = async (name: string, make: (to: string) => Promise<string>) => {
    const into = [1, 2].map(n => join(dir, `${name}-${n}`))
    for (const each of into) await mkdir(each)
    return Promise.all(into.map(async each => sha256(await make(each))))
  }
  const blobs = await twice('blob', to => writeBlob(join(dir, 'package', 'program.mjs'), to, process.execPath))
  expect(blobs[0]).toBe(blobs[1])
  const archives = await twice('pack', async to => {
    await writeFile(join(to, 'a file'), 'its content')
    await utimes(join(to, 'a file'), 0, Number(to.at(-1)))
    await pack(to, `${to}.tar.gz`, 1_700_000_000)
    return `${to}.tar.gz`
  })
  expect(archives[0]).toBe(archives[1])
})
