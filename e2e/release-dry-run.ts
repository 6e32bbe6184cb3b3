import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installManifest } from '../charts/install-manifest.ts'
import { packageChart } from '../release/chart.ts'
import { OUT } from '../release/commands.ts'
import { layoutProblems } from '../release/image/check-image.ts'
import { IMAGE_ARCHS, PLUGIN_PLATFORMS } from '../release/model/platforms.ts'
import { archiveName } from '../release/plugin/archive.ts'
import { signAdHoc } from '../release/plugin/executable.ts'
import { buildExecutables } from '../release/plugin/executables.ts'
import { krewManifest } from '../release/plugin/krew-manifest.ts'
import { npmRuntime } from '../release/plugin/node-runtime.ts'
import { preparePackage } from '../release/plugin/npm-package.ts'
import { releaseNotes } from '../release/release-notes.ts'
import { changelog, headCommit, nodeVersion, ROOT, versionsHere } from '../release/repository.ts'
import { publishedNames, versionProblems } from '../release/version.ts'
import { run, succeeds } from './cluster/command.ts'
import { withLock } from './cluster/lock.ts'
import { withReleaseMeans } from './cluster/release-means.ts'
import { buildTwice } from './harness/released.ts'
import { say } from './run-vitest.ts'

/* All steps of a release that need neither a tag nor a place to publish to. What this machine cannot do is named. */

const SOURCE = 'https://github.com/owner/startgate'
const NPM_PACKAGE = join(ROOT, 'dist', 'kubectl-startgate')

/** What a step came to: what was made, and what could not be. */
interface Outcome {
  made: string[]
  left?: string[]
}

async function notes(version: string): Promise<Outcome> {
  const text = await changelog()
  // Before a release its section has no name yet.
  const named = text.includes(`## [${version}]`)
    ? text
    : text.replace('## [Unreleased]', `## [${version}] - 2000-01-01`)
  await writeFile(join(OUT, 'notes.md'), releaseNotes(named, version).text)
  return { made: ['notes.md'] }
}

async function image(version: string): Promise<Outcome> {
  const provider = (await succeeds(['docker', 'buildx', 'version'])) ? ('docker' as const) : ('local' as const)
  if (provider === 'local' && process.getuid?.() !== 0)
    return {
      made: [],
      left: ['image: needs docker buildx, or root on Debian, where BuildKit is built from Go modules'],
    }
  const left = new Set<string>()
  const facts = { version, source: SOURCE, ...(await headCommit()) }
  const [one, two] = ['image', 'image-again'].map(name => join(OUT, name))
  const build = () =>
    withReleaseMeans(
      { provider, env: process.env },
      means => buildTwice(means, facts, one ?? '', { layout: two ?? '' }),
      line => void left.add(line),
    )
  const { layout, second } = await withLock(say, build)
  const problems = await layoutProblems(layout, IMAGE_ARCHS)
  if (second !== layout.digest) problems.push(`built twice, it has the digests ${layout.digest} and ${second}`)
  if (problems.length > 0) throw new Error(problems.join('; '))
  await rm(two ?? '', { recursive: true })
  const sizes = layout.images.map(({ arch, bytesCompressed }) => `${arch} ${(bytesCompressed / 1e6).toFixed(1)} MB`)
  return { made: [`image ${layout.digest}, twice the same: ${sizes.join(', ')}`], left: [...left] }
}

async function chart(version: string): Promise<Outcome> {
  const imageRepository = publishedNames(SOURCE).image
  await packageChart({ version, imageRepository, into: OUT })
  await writeFile(join(OUT, 'install.yaml'), await installManifest(['--set', `image.repository=${imageRepository}`]))
  return { made: [`startgate-${version}.tgz`, 'install.yaml'] }
}

async function plugin(version: string): Promise<Outcome> {
  await run([process.execPath, join(ROOT, 'build.ts')])
  if (!existsSync(NPM_PACKAGE)) return { made: [], left: ['there is no plugin in this clone'] }
  await preparePackage(NPM_PACKAGE, SOURCE)
  const { stdout } = await run(['npm', 'pack', '--silent', '--pack-destination', OUT], { cwd: NPM_PACKAGE })
  const { archives, left } = await buildExecutables({
    npmPackage: NPM_PACKAGE,
    platforms: PLUGIN_PLATFORMS,
    nodeVersion: await nodeVersion(),
    runtimes: npmRuntime,
    sign: signAdHoc('rcodesign'),
    committedAt: (await headCommit()).committedAt,
    into: OUT,
  })
  const uri = (platform: (typeof PLUGIN_PLATFORMS)[number]) =>
    `${SOURCE}/releases/download/v${version}/${archiveName(platform)}`
  const manifest = krewManifest({
    version,
    homepage: SOURCE,
    archives: archives.map(({ platform, sha256 }) => ({ platform, sha256, uri: uri(platform) })),
    platforms: archives.map(({ platform }) => platform),
  })
  await writeFile(join(OUT, 'startgate.yaml'), manifest)
  return {
    made: [stdout.trim(), ...archives.map(({ platform }) => archiveName(platform)), 'startgate.yaml (krew)'],
    left: left.map(({ platform, reason }) => `${archiveName(platform)}: ${reason}`),
  }
}

async function main(): Promise<void> {
  const versions = await versionsHere()
  const version = versions['package.json']
  const problems = versionProblems(version, versions)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  await rm(OUT, { recursive: true, force: true })
  await mkdir(OUT, { recursive: true })
  for (const step of [notes, chart, image, plugin]) {
    say(`\n> ${step.name}`)
    const { made, left = [] } = await step(version)
    for (const line of made) say(`  made: ${line}`)
    for (const line of left) say(`  left out: ${line}`)
  }
  say(`\ndry run of ${version} in dist/release; nothing was published`)
}

main().catch((error: Error) => {
  say(`\nrelease:dry: ${error.message}`)
  process.exitCode = 1
})
