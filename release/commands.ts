import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle } from '../build.ts'
import { installManifest } from '../charts/install-manifest.ts'
import { packageChart, pushChart } from './chart.ts'
import { distTag, publishedLatest } from './dist-tag.ts'
import { buildImage } from './image/build-image.ts'
import { layoutProblems } from './image/check-image.ts'
import { readLayout } from './image/oci-layout.ts'
import { IMAGE_ARCHS, PLUGIN_PLATFORMS } from './model/platforms.ts'
import { archiveName, sha256 } from './plugin/archive.ts'
import { signAdHoc } from './plugin/executable.ts'
import { buildExecutables } from './plugin/executables.ts'
import { krewManifest } from './plugin/krew-manifest.ts'
import { distRuntime } from './plugin/node-runtime.ts'
import { preparePackage } from './plugin/npm-package.ts'
import { releaseNotes } from './release-notes.ts'
import { changelog, headCommit, nodeVersion, ROOT, versionsHere } from './repository.ts'
import { isPrerelease, publishedNames, versionOfTag, versionProblems } from './version.ts'

export const USAGE = `usage: node release/main.ts COMMAND OPTIONS, in this order (docs/contributing/releasing.md)
  check --tag v1.2.3 --source URL                version, where it goes, and whether everything says the same
  dist-tag --version V                           npm's tag for it: latest only above the published latest
  notes --version V                              the changelog's section
  bundle                                         dist/app and dist/app-ARCH, for every platform
  image --version V --source URL --layout DIR    builds the image into a folder and checks it there;
        --push REF                               builds it once more and pushes it: it must be the same
  chart --version V --image REPOSITORY           the chart and install.yaml in dist/release
  push-chart --version V --push oci://HOST/PATH
  executables                                    the plugin's archives in dist/release
  krew --version V --source URL                  their manifest
  npm-package --source URL                       dist/kubectl-startgate, ready to be published`

/** Takes what is published. */
export const OUT = join(ROOT, 'dist', 'release')
const NPM_PACKAGE = join(ROOT, 'dist', 'kubectl-startgate')
const NODE_DIST = 'https://nodejs.org/dist'

export const OPTION_NAMES = ['tag', 'version', 'source', 'layout', 'push', 'image'] as const

export type Options = Partial<Record<(typeof OPTION_NAMES)[number], string>>

const outputs = (values: Record<string, string | boolean>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

function need(options: Options, name: keyof Options): string {
  const value = options[name]
  if (value === undefined || value === '') throw new Error(`--${name} is missing\n${USAGE}`)
  return value
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

/** Each returns what goes to standard output: text, or lines that GitHub takes as outputs of a step. */
export const COMMANDS: Readonly<Record<string, (options: Options) => Promise<string>>> = {
  async check(options) {
    const version = versionOfTag(need(options, 'tag'))
    refuse(versionProblems(version, await versionsHere()))
    releaseNotes(await changelog(), version)
    return outputs({ version, prerelease: isPrerelease(version), ...publishedNames(need(options, 'source')) })
  },
  async 'dist-tag'(options) {
    return outputs({ 'dist-tag': distTag(need(options, 'version'), await publishedLatest()) })
  },
  async notes(options) {
    return `${releaseNotes(await changelog(), need(options, 'version')).text}\n`
  },
  async bundle() {
    await bundle({ archs: IMAGE_ARCHS })
    return ''
  },
  async image(options) {
    const layout = need(options, 'layout')
    const facts = { version: need(options, 'version'), source: need(options, 'source'), ...(await headCommit()) }
    const build = { ...facts, archs: IMAGE_ARCHS, fresh: true }
    await buildImage({ ...build, to: { layout } }, ROOT)
    const built = await readLayout(layout)
    refuse(await layoutProblems(built, IMAGE_ARCHS))
    if (options.push !== undefined) {
      const pushed = await buildImage({ ...build, to: { push: options.push } }, ROOT)
      if (pushed !== built.digest) refuse([`built twice, the image has the digests ${built.digest} and ${pushed}`])
    }
    return outputs({
      digest: built.digest,
      ...Object.fromEntries(built.images.map(({ arch, digest }) => [arch, digest])),
    })
  },
  async chart(options) {
    const version = need(options, 'version')
    const imageRepository = need(options, 'image')
    const archive = await packageChart({ version, imageRepository, into: OUT })
    await writeFile(join(OUT, 'install.yaml'), await installManifest(['--set', `image.repository=${imageRepository}`]))
    return outputs({ archive })
  },
  async 'push-chart'(options) {
    const archive = join(OUT, `startgate-${need(options, 'version')}.tgz`)
    return outputs({ digest: await pushChart(archive, need(options, 'push')) })
  },
  async executables() {
    const { archives, left } = await buildExecutables({
      npmPackage: NPM_PACKAGE,
      platforms: PLUGIN_PLATFORMS,
      nodeVersion: await nodeVersion(),
      runtimes: distRuntime(NODE_DIST),
      sign: signAdHoc('rcodesign'),
      committedAt: (await headCommit()).committedAt,
      into: OUT,
    })
    refuse(left.map(({ platform: { os, arch }, reason }) => `${os}/${arch}: ${reason}`))
    return archives.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join('')
  },
  async krew(options) {
    const [version, homepage] = [need(options, 'version'), need(options, 'source')]
    const archives = await Promise.all(
      PLUGIN_PLATFORMS.map(async platform => {
        const name = archiveName(platform)
        const uri = `${homepage}/releases/download/v${version}/${name}`
        const hash = await sha256(join(OUT, name)).catch(cause => {
          throw new Error(`${name} is not in dist/release; run first: node release/main.ts executables`, { cause })
        })
        return { platform, uri, sha256: hash }
      }),
    )
    await writeFile(join(OUT, 'startgate.yaml'), krewManifest({ version, homepage, archives }))
    return ''
  },
  async 'npm-package'(options) {
    await preparePackage(NPM_PACKAGE, need(options, 'source'))
    return ''
  },
}
