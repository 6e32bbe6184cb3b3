import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { gateScript } from './core/gate-script.ts'
import { GATE_SHELL_PROGRAM } from './core/names.ts'
import { packagesIn, thirdPartyNotices } from './third-party.ts'

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

/** Bundles every program into `dist/app`, with the licenses of what is in there. Returns the bundles' sizes in bytes. */
export async function bundle(): Promise<Record<string, number>> {
  await rm(outdir, { recursive: true, force: true })
  const { metafile } = await build(BUNDLES)
  const native = await nativePackages()
  for (const folder of native) await cp(join(root, folder), join(outdir, folder), { recursive: true })
  // A file, not the command: it would be in each gated pod's spec, and so twice in the memory of whoever watches pods.
  await writeFile(join(outdir, basename(GATE_SHELL_PROGRAM)), gateScript())
  await mkdir(join(outdir, 'LICENSES'))
  await cp(join(root, 'LICENSE'), join(outdir, 'LICENSES', 'startgate'))
  const notices = await thirdPartyNotices(root, [...packagesIn(metafile), ...native])
  await writeFile(join(outdir, 'LICENSES', 'THIRD-PARTY'), notices)
  return Object.fromEntries(Object.entries(metafile.outputs).map(([file, { bytes }]) => [file, bytes]))
}

/** A native module cannot be bundled: the agent's unix datagram socket, as npm installed it for this platform. */
export async function nativePackages(): Promise<string[]> {
  const names = (await readdir(join(root, 'node_modules'))).filter(name => name.startsWith('node-unix-socket'))
  return names.map(name => join('node_modules', name))
}

if (import.meta.main) {
  for (const [file, bytes] of Object.entries(await bundle()))
    process.stdout.write(`${file} ${Math.round(bytes / 1024)} KiB\n`)
}
