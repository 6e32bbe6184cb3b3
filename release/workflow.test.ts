import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { COMMANDS, OPTION_NAMES } from './commands.ts'
import { PLUGIN_PLATFORMS } from './model/platforms.ts'
import { nodeVersion, ROOT } from './repository.ts'

const FOLDER = join(ROOT, '.github', 'workflows')
const TEXTS = Object.fromEntries(readdirSync(FOLDER).map(file => [file, readFileSync(join(FOLDER, file), 'utf8')]))

interface Job {
  permissions?: Record<string, string>
  needs?: string | string[]
  steps: { uses?: string; run?: string; with?: Record<string, unknown>; env?: Record<string, string> }[]
  strategy?: { matrix: { include: { platform: string }[] } }
}

const release = parse(TEXTS['release.yml'] ?? '') as { permissions: object; jobs: Record<string, Job> }
const jobs = Object.entries(release.jobs)
const runs = (job: Job): string => job.steps.flatMap(({ run }) => run ?? []).join('\n')

test.each(Object.entries(TEXTS))('%s names every action by commit, and says which version that is', (_, text) => {
  const uses = text.split('\n').filter(line => /\buses:/.test(line))
  expect(uses.length).toBeGreaterThan(0)
  expect(uses.filter(line => !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
})

test('one action has one version everywhere', () => {
  const pins = Object.values(TEXTS).flatMap(text =>
    [...text.matchAll(/uses: (\S+)@(\S+)/g)].map(([, name, sha]) => `${name}@${sha}`),
  )
  const names = [...new Set(pins)].map(pin => pin.split('@')[0])
  expect(names).toEqual([...new Set(names)])
})

describe('the release workflow', () => {
  test('gives no right to all jobs, and every job says which it has', () => {
    expect(release.permissions).toEqual({})
    expect(jobs.filter(([, job]) => job.permissions === undefined).map(([name]) => name)).toEqual([])
  })

  test('may write where it publishes and nowhere else', () => {
    const rights = Object.fromEntries(
      jobs.map(([name, { permissions = {} }]) => [
        name,
        Object.entries(permissions).flatMap(([right, level]) => (level === 'write' ? [right] : [])),
      ]),
    )
    expect(rights).toEqual({
      check: [],
      image: ['packages', 'id-token', 'attestations'],
      chart: ['packages', 'id-token', 'attestations'],
      plugin: [],
      'plugin-starts': [],
      npm: ['id-token'],
      release: ['contents', 'id-token', 'attestations'],
    })
  })

  test('runs no scripts of packages where a job may write, and our own with the Node.js of the executables', async () => {
    for (const [name, job] of jobs) {
      const setup = job.steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'))
      if (Object.values(job.permissions ?? {}).includes('write')) {
        expect(setup?.with, name).toEqual({ 'node-version': await nodeVersion() })
        expect(runs(job), name).not.toMatch(/\bnpm (?!ci --ignore-scripts$|publish )|node_modules|\bnpx\b/m)
      } else if (runs(job).includes('release/main.ts'))
        expect(runs(job), name).toMatch(/^npm ci && echo "\$PWD\/node_modules\/\.bin" >> "\$GITHUB_PATH"$/m)
    }
  })

  test('logs in to the registry only after packages are installed and used to build', () => {
    for (const name of ['image', 'chart']) {
      const { steps = [] } = release.jobs[name] ?? {}
      const login = steps.findIndex(({ uses }) => uses?.startsWith('docker/login-action@'))
      const pushes = steps.findIndex(({ run }) => run?.includes('--push'))
      expect(login, name).toBe(pushes - 1)
      expect(
        steps
          .slice(login)
          .flatMap(({ run }) => run ?? [])
          .join('\n'),
        name,
      ).not.toContain('npm ')
    }
  })

  test('publishes to npm under the tag that is judged by what is published', () => {
    const { steps = [] } = release.jobs.npm ?? {}
    const publish = steps.find(({ run }) => run?.startsWith('npm publish'))
    expect(publish?.run).toContain('--tag "$DIST_TAG"')
    expect(publish?.env?.DIST_TAG).toMatch(/^\$\{\{ needs\.check\.outputs\.dist-tag \}\}$/)
    expect(runs(release.jobs.check ?? { steps: [] })).toContain('node release/main.ts dist-tag --version "$VERSION"')
  })

  test('leaves no token in the clone', () => {
    const checkouts = jobs.flatMap(([, { steps }]) => steps.filter(({ uses }) => uses?.startsWith('actions/checkout@')))
    for (const { with: options } of checkouts) expect(options).toMatchObject({ 'persist-credentials': false })
  })

  test('calls commands that there are, with options that there are', () => {
    const called = jobs.flatMap(([, job]) => [...runs(job).matchAll(/node release\/main\.ts ([\w-]+)([^>&|\n]*)/g)])
    expect(called.map(([, command = '']) => command).filter(command => !(command in COMMANDS))).toEqual([])
    const options = called.flatMap(([, , rest = '']) => [...rest.matchAll(/--([\w-]+)/g)].map(([, name]) => name))
    expect(options.filter(name => !OPTION_NAMES.some(known => known === name))).toEqual([])
    expect(new Set(called.map(([, command]) => command))).toEqual(new Set(Object.keys(COMMANDS)))
  })

  test('takes nothing of an event into a shell but by the environment', () => {
    for (const [, job] of jobs) expect(runs(job)).not.toContain('${{')
  })

  test('starts the executable of every platform before anything is published to npm or as a release', () => {
    const started = release.jobs['plugin-starts']?.strategy?.matrix.include.map(({ platform }) => platform)
    expect(started).toEqual(PLUGIN_PLATFORMS.map(({ os, arch }) => `${os}_${arch}`))
    expect(release.jobs.npm?.needs).toContain('plugin-starts')
    expect(release.jobs.release?.needs).toContain('npm')
  })
})
