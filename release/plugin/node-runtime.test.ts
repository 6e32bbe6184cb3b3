import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { distRuntime, runtimeName, sumOf } from './node-runtime.ts'

const VERSION = '24.0.0'
const NAME = `node-v${VERSION}-linux-arm64`

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'node-runtime-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return dir
}

/** A site of releases with one archive, whose list says this hash, or the right one. Returns its address. */
async function site(listed?: string): Promise<string> {
  const dir = await folder()
  await mkdir(join(dir, NAME, 'bin'), { recursive: true })
  await writeFile(join(dir, NAME, 'bin', 'node'), 'a program')
  await writeFile(join(dir, NAME, 'LICENSE'), 'a license')
  execFileSync('tar', ['-C', dir, '-czf', join(dir, 'archive'), NAME])
  const archive = await readFile(join(dir, 'archive'))
  const sum = listed ?? createHash('sha256').update(archive).digest('hex')
  const files: Record<string, string | Buffer> = {
    [`/v${VERSION}/SHASUMS256.txt`]: `${sum}  ${NAME}.tar.gz\n`,
    [`/v${VERSION}/${NAME}.tar.gz`]: archive,
  }
  const server = createServer((request, response) => {
    const file = files[request.url ?? '']
    response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('platforms have the names of Node’s archives', () => {
  expect(runtimeName({ os: 'windows', arch: 'amd64' })).toBe('win-x64')
  expect(runtimeName({ os: 'darwin', arch: 'arm64' })).toBe('darwin-arm64')
})

test('program and license come out of an archive with the hash that the list says', async () => {
  const from = distRuntime(await site())
  const { program, license } = await from({ os: 'linux', arch: 'arm64' }, VERSION, await folder())
  expect(await readFile(program, 'utf8')).toBe('a program')
  expect(await readFile(license ?? '', 'utf8')).toBe('a license')
})

test('another hash, or none in the list, is refused', async () => {
  const from = distRuntime(await site('0'.repeat(64)))
  await expect(from({ os: 'linux', arch: 'arm64' }, VERSION, await folder())).rejects.toThrow(
    /^node-v24\.0\.0-linux-arm64\.tar\.gz has the SHA-256 [0-9a-f]{64}; SHASUMS256\.txt wants 0{64}$/,
  )
  expect(() => sumOf(`${'0'.repeat(64)}  node.tar.gz\n`, 'e.tar.gz')).toThrow('does not have e.tar.gz')
})

test('a version that is not there is told by its address', async () => {
  const from = distRuntime(await site())
  await expect(from({ os: 'linux', arch: 'arm64' }, '24.0.1', await folder())).rejects.toThrow(
    'v24.0.1/SHASUMS256.txt: 404',
  )
})

test('a site that cannot be reached is named', async () => {
  const from = distRuntime('http://127.0.0.1:1')
  await expect(from({ os: 'linux', arch: 'arm64' }, VERSION, await folder())).rejects.toThrow(
    /^http:\/\/127\.0\.0\.1:1\/v24\.0\.0\/SHASUMS256\.txt cannot be reached: /,
  )
})
