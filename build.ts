import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = import.meta.dirname

/** The programs in the image, each one file: a gate must not carry what only the webhook needs. */
const PROGRAMS = {
  webhook: 'webhook/main.ts',
  'lease-service': 'gate/lease-service/main.ts',
  gate: 'gate/pod/main.ts',
  agent: 'gate/pod/agent/main.ts',
  'helm-test': 'charts/helm-test.ts',
}

/** Bundles every program with all its dependencies into an ES module under `dist/app`. Returns their sizes in bytes. */
export async function bundle(): Promise<Record<string, number>> {
  const outdir = join(root, 'dist', 'app')
  await rm(outdir, { recursive: true, force: true })
  const { metafile } = await build({
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
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    // Bundled CommonJS packages call require for Node's own modules, which an ES module has not.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  })
  await copyNativeModules(outdir)
  return Object.fromEntries(Object.entries(metafile.outputs).map(([file, { bytes }]) => [file, bytes]))
}

/** A native module cannot be bundled: the agent's unix datagram socket, as npm installed it for this platform. */
async function copyNativeModules(outdir: string): Promise<void> {
  const modules = join(root, 'node_modules')
  for (const name of (await readdir(modules)).filter(entry => entry.startsWith('node-unix-socket')))
    await cp(join(modules, name), join(outdir, 'node_modules', name), { recursive: true })
}

if (import.meta.main) {
  for (const [file, bytes] of Object.entries(await bundle()))
    process.stdout.write(`${file} ${Math.round(bytes / 1024)} KiB\n`)
}
