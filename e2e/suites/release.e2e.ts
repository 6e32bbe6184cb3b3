import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { layoutProblems } from '../../release/image/check-image.ts'
import { IMAGE_ARCHS, ownArch } from '../../release/model/platforms.ts'
import { buildExecutables } from '../../release/plugin/executables.ts'
import { krewManifest } from '../../release/plugin/krew-manifest.ts'
import { ROOT } from '../../release/repository.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { run } from '../cluster/command.ts'
import { formerProduct } from '../cluster/former-product.ts'
import { withLock } from '../cluster/lock.ts'
import { listImages } from '../cluster/node-images.ts'
import { DEFAULT_RATE } from '../cluster/registry.ts'
import { krewBinary } from '../cluster/release-builder.ts'
import { installStartgate, RELEASE, SYSTEM_NAMESPACE, uninstallStartgate, untilAsked } from '../harness/install.ts'
import { pod } from '../harness/pod-templates.ts'
import { podIs } from '../harness/pod-waits.ts'
import { publish, type Released } from '../harness/released.ts'
import { E2E_VALUES, joinCluster, namespaceFor, observerFor, type Session } from '../harness/session.ts'
import { programPods } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { expectKept, startHerd } from '../workloads/faulted-herd.ts'

/* The steps of .github/workflows/release.yml but for signatures and places where the public is. */

const log = (line: string) => process.stderr.write(`  ${line}\n`)

let session: Session
let released: Released
let dir = ''
beforeAll(async () => {
  session = await joinCluster()
  dir = await mkdtemp(join(tmpdir(), 'startgate-release-'))
  released = await publish(session.cluster, dir, log)
  // Images of fifty megabytes, whose pulls are not what is tested.
  await session.cluster.registry.setRate(0)
})
afterAll(async () => {
  await session.cluster.registry.setRate(DEFAULT_RATE)
  await rm(dir, { recursive: true, force: true })
})

const helm = (command: string[], values: object) => {
  const args = [...command, released.chart, '--version', released.version, '--plain-http']
  const where = ['-n', SYSTEM_NAMESPACE, '--create-namespace', '--wait', '--timeout', '3m', '-f', '-']
  return run(['helm', ...args, ...where], { env: session.cluster.env, input: JSON.stringify(values) })
}

/** helm returns when all new replicas are Ready; the Deployment takes the last old one away a moment later. */
const onlyReleased = () =>
  expect
    .poll(async () => new Set((await programPods(session.kubectl)).map(({ image }) => image)), {
      timeout: limits.rollout.ms,
    })
    .toEqual(new Set([released.ref]))

test('an image for each platform has the machine code of that platform, and a second build has the same digest', async () => {
  expect(await layoutProblems(released.layout, IMAGE_ARCHS)).toEqual([])
  expect(released.pushedDigest).toBe(released.layout.digest)
  for (const { arch, bytesCompressed } of released.layout.images)
    console.info(`  image for ${arch}: ${(bytesCompressed / 1e6).toFixed(1)} MB compressed`)
})

test('helm installs the pushed chart from the registry; nodes pull the pushed image, and pods are gated with it', async () => {
  await uninstallStartgate(session.cluster)
  await helm(['install', RELEASE], E2E_VALUES)
  await untilAsked(session.kubectl)
  await onlyReleased()

  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'released', gated: true, settings: { 'max-starting': '1' } })
  await namespace.apply([pod('probe', { image: APP_IMAGE })])
  await podIs(observer, [namespace.name, 'probe'], { phase: 'ready' }, limits.podReady)
  const [probe] = observer.pods(namespace.name)
  expect(probe?.spec.initContainers?.map(({ image }) => image)).toContain(released.ref)
  const node = probe?.spec.nodeName ?? ''
  const pulled = (await listImages(session.cluster, node)).find(({ ref }) => ref === released.ref)
  expect(pulled?.digest).toBe(released.pushedDigest)
})

test('the pushed chart upgrades that of the previous commit while a herd starts: no limit is broken, nobody starts over', async () => {
  const commit = (await run(['git', '-C', ROOT, 'rev-parse', 'HEAD^'])).stdout.trim()
  const former = await formerProduct(session.cluster, { commit, dir: await emptyFolder('former') }, log)
  await installStartgate(session.cluster, { values: E2E_VALUES, product: former, log })
  const herd = await startHerd(session, 'release')
  await herd.begun(10)
  herd.fault('upgrade to the released chart')
  // Without the former release's values, or its image would stay.
  await helm(['upgrade', RELEASE, '--reset-values'], E2E_VALUES)
  await onlyReleased()
  await expectKept(session, herd)
})

async function emptyFolder(name: string): Promise<string> {
  await mkdir(join(dir, name))
  return join(dir, name)
}

const hasPlugin = existsSync(join(ROOT, 'build-plugin.ts'))
if (hasPlugin)
  test('the plugin runs from its npm package, and as an executable that krew has installed by our manifest', async () => {
    await withLock(log, () => run([process.execPath, join(ROOT, 'build.ts')]))
    const npmPackage = join(ROOT, 'dist', 'kubectl-startgate')
    const into = await emptyFolder('plugin')
    const { stdout } = await run(['npm', 'pack', '--silent', '--pack-destination', into], { cwd: npmPackage })
    await writeFile(join(into, 'package.json'), '{}')
    await run(['npm', 'install', '--offline', '--no-audit', '--no-fund', join(into, stdout.trim())], { cwd: into })
    await expectPlugin(join(into, 'node_modules', '.bin'))

    const platform = { os: 'linux', arch: ownArch() } as const
    const { archives, left } = await buildExecutables({
      npmPackage,
      platforms: [platform],
      nodeVersion: process.versions.node,
      runtimes: async () => ({ program: process.execPath }),
      sign: async () => undefined,
      committedAt: 0,
      into,
    })
    expect(left).toEqual([])
    const uri = 'https://example.com/never-asked.tar.gz'
    const manifest = krewManifest({
      version: released.version,
      homepage: 'https://example.com',
      archives: archives.map(archive => ({ ...archive, uri })),
      platforms: [platform],
    })
    await writeFile(join(into, 'startgate.yaml'), manifest)
    const krew = await withLock(log, krewBinary)
    const env = { ...session.cluster.env, KREW_ROOT: await emptyFolder('krew') }
    const from = [`--manifest=${join(into, 'startgate.yaml')}`, `--archive=${archives[0]?.file}`]
    await run([krew, 'install', ...from], { env })
    await expectPlugin(join(env.KREW_ROOT, 'bin'))
  })

/** kubectl finds the plugin in this folder, and it works. */
async function expectPlugin(bin: string): Promise<void> {
  const env = { ...session.cluster.env, PATH: [bin, session.cluster.env.PATH].join(delimiter) }
  const plugin = (args: string[]) => run(['kubectl', 'startgate', ...args], { env })
  expect((await plugin(['version'])).stdout).toMatch(/^kubectl-startgate \d/)
  const example = join(ROOT, 'docs', 'examples', 'order-containers.yaml')
  expect((await plugin(['lint', '-f', example])).stdout).toContain('Deployment order-containers/shop: gated')
}
