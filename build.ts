import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { buildPlugin } from './build-plugin.ts'
import { gateScript } from './core/gate-script.ts'
import { GATE_SHELL_PROGRAM } from './core/names.ts'
import { bundleSbom } from './release/image/bundle-sbom.ts'
import { installedOrNpm, NATIVE_MODULE, nativePackage, type PackageSource } from './release/image/native-module.ts'
import { type Arch, ownArch } from './release/model/platforms.ts'
import { noticeOf, packagesIn, thirdPartyNotices } from './third-party.ts'

const root = import.meta.dirname
const outdir = join(root, 'dist', 'app')

/** The programs in the image, each one file: a gate must not carry what only the webhook needs. */
const PROGRAMS = {
  webhook: 'webhook/main.ts',
  'lease-service': 'gate/lease-service/main.ts',
  gate: 'gate/pod/main.ts',
  agent: 'gate/pod/agent/main.ts',
  'node-waiter': 'gate/node/main.ts',
  'helm-test': 'charts/helm-test.ts',
}

/** Of every program with all its dependencies, each one ES module. */
export const BUNDLES = {
  entryPoints: Object.entries(PROGRAMS).map(([out, file]) => ({ out, in: join(root, file) })),
  outdir,
  outExtension: { '.js': '.mjs' },
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Names stay readable in stack traces; there is no source map in the image.
  minifyWhitespace: true,
  // They are in LICENSES.
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  // Bundled CommonJS packages call require for Node's own modules, which an ES module has not.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
} as const satisfies BuildOptions

/** What of the image is not the same on every platform. */
const archDir = (arch: Arch): string => `${outdir}-${arch}`

export interface BundleOptions {
  /** Of the images to be built; that of this machine unless told otherwise. */
  archs?: readonly Arch[]
  /** Where the native module comes from. */
  source?: PackageSource
}

/**
 * Bundles every program into `dist/app`, with the licenses of what is in there, and what each platform has of its own
 * into `dist/app-ARCH`. Returns the bundles' sizes in bytes. Equal sources give equal files, with equal permissions.
 */
export async function bundle(options: BundleOptions = {}): Promise<Record<string, number>> {
  const { archs = [ownArch()], source = installedOrNpm(root) } = options
  for (const dir of await readdir(join(root, 'dist')).catch(() => []))
    if (/^app(-|$)/.test(dir)) await rm(join(root, 'dist', dir), { recursive: true })
  const { metafile } = await build(BUNDLES)
  const packages = [...packagesIn(metafile), join('node_modules', NATIVE_MODULE)]
  await cp(join(root, 'node_modules', NATIVE_MODULE), join(outdir, 'node_modules', NATIVE_MODULE), { recursive: true })
  // A file, not the command: it would be in each gated pod's spec, and so twice in the memory of whoever watches pods.
  await writeFile(join(outdir, basename(GATE_SHELL_PROGRAM)), gateScript())
  await mkdir(join(outdir, 'LICENSES'))
  await cp(join(root, 'LICENSE'), join(outdir, 'LICENSES', 'startgate'))
  await writeFile(join(outdir, 'LICENSES', 'THIRD-PARTY'), await thirdPartyNotices(root, packages))
  for (const arch of archs) await addPlatform(arch, packages, source)
  for (const dir of [outdir, ...archs.map(archDir)]) await setModes(dir)
  return Object.fromEntries(Object.entries(metafile.outputs).map(([file, { bytes }]) => [file, bytes]))
}

/** The native module's machine code, its license, and the bill of materials of the whole, which scanners look for. */
async function addPlatform(arch: Arch, packages: readonly string[], source: PackageSource): Promise<void> {
  const native = join('node_modules', nativePackage(arch))
  const dir = archDir(arch)
  await source(nativePackage(arch), join(dir, native))
  await mkdir(join(dir, 'LICENSES'))
  await writeFile(join(dir, 'LICENSES', 'NATIVE'), await noticeOf(join(dir, native)))
  const [product, lock] = await Promise.all(
    ['package.json', 'package-lock.json'].map(async file => JSON.parse(await readFile(join(root, file), 'utf8'))),
  )
  const sbom = bundleSbom(product, [...packages, native], lock.packages)
  await writeFile(join(dir, 'startgate.cdx.json'), `${JSON.stringify(sbom, null, 2)}\n`)
}

/** Whatever the umask: the image's user must be able to read them, and equal sources make equal images. */
async function setModes(dir: string): Promise<void> {
  await chmod(dir, 0o755)
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
}

if (import.meta.main) {
  for (const [file, bytes] of Object.entries(await bundle()))
    process.stdout.write(`${file} ${Math.round(bytes / 1024)} KiB\n`)
  const plugin = join('dist', 'kubectl-startgate')
  process.stdout.write(`${plugin} ${Math.round((await buildPlugin(join(root, plugin))) / 1024)} KiB\n`)
}
