import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPlugin } from '../build-plugin.ts'
import { VERSION } from '../core/version.ts'

/* The npm package as a user gets it: packed, installed into an empty folder without a network, and run. */

const ROOT = join(import.meta.dirname, '..')
const call = promisify(execFile)
let folder = ''
let bin = ''
let env: NodeJS.ProcessEnv = {}

const run = (args: string[], name = 'kubectl-startgate') => call(join(bin, name), args, { env })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubectl-startgate-'))
  bin = join(folder, 'node_modules', '.bin')
  const node = join(ROOT, 'node_modules', '.bin')
  env = { PATH: [bin, node, process.env.PATH].join(delimiter), HOME: folder, npm_config_cache: join(folder, 'cache') }
  const built = join(folder, 'built')
  await buildPlugin(built)
  const { stdout } = await call('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: built, env })
  await writeFile(join(folder, 'package.json'), '{}')
  await call('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, stdout.trim())], {
    cwd: folder,
    env,
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('is one file with its license and those of what is in it', async () => {
  const installed = join(folder, 'node_modules', 'kubectl-startgate')
  const { version, dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  expect({ version, dependencies }).toEqual({ version: VERSION, dependencies: undefined })
  const notices = await readFile(join(installed, 'THIRD-PARTY'), 'utf8')
  for (const name of ['commander', 'yaml', 'fast-json-patch', 'preact', 'htm', 'uplot'])
    expect(notices).toContain(`\n${name} `)
  expect(await readFile(join(installed, 'kubectl-startgate.mjs'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
})

test('runs --help', async () => {
  expect((await run(['--help'])).stdout).toContain('Usage: kubectl startgate')
})

test('lints, with the chart’s defaults that it carries', async () => {
  const example = join(ROOT, 'docs', 'examples', 'order-containers.yaml')
  expect((await run(['lint', '-f', example])).stdout).toContain('Deployment order-containers/shop: gated')
  const bad = join(folder, 'bad.yaml')
  await writeFile(bad, (await readFile(example, 'utf8')).replace('db: ready', 'dv: ready'))
  await expect(run(['lint', '-f', bad])).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('dv: ready'),
  })
})

test('completes, for kubectl and in a real bash', async () => {
  expect((await run(['li'], 'kubectl_complete-startgate')).stdout).toBe('lint\n:4\n')
  const script =
    'source <(kubectl-startgate completion bash); COMP_WORDS=(kubectl-startgate lint --str); COMP_CWORD=2; _kubectl_startgate; echo $COMPREPLY'
  const { stdout } = await call('bash', ['-c', script], { env })
  expect(stdout).toBe('--strict\n')
})
