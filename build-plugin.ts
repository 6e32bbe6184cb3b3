import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { buildPage } from './build-page.ts'
import { VERSION } from './core/version.ts'
import { packagesIn, thirdPartyNotices } from './third-party.ts'

const root = import.meta.dirname
const FILE = 'kubectl-startgate.mjs'
/** What client-node asks for. */
const LEAST_NODE = '22.19.0'

/** In plain old JavaScript: what follows would only say that it has no such syntax or module. */
const NODE_CHECK = `{const [major,minor]=process.versions.node.split('.').map(Number);
if(major<22||(major===22&&minor<19)){console.error('error: kubectl-startgate needs Node.js ${LEAST_NODE} or newer, and this is '+process.versions.node);process.exit(2)}}`

const OPTIONS = {
  entryPoints: [join(root, 'plugin', 'main.ts')],
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  banner: {
    js: `${NODE_CHECK}\nimport{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);`,
  },
} as const satisfies BuildOptions

/**
 * Writes the npm package kubectl-startgate into `outdir`, anew: one program with all its dependencies, package.json,
 * README and licenses. Returns the program's size in bytes.
 */
export async function buildPlugin(outdir: string): Promise<number> {
  await rm(outdir, { recursive: true, force: true })
  await mkdir(outdir, { recursive: true })
  const outfile = join(outdir, FILE)
  // The chart's defaults, for `lint`, where no chart is at hand.
  const values = await readFile(join(root, 'charts', 'startgate', 'values.yaml'), 'utf8')
  const page = await buildPage()
  const define = { CHART_VALUES: JSON.stringify(values), PAGE_ASSETS: JSON.stringify(page.assets) }
  const { metafile } = await build({ ...OPTIONS, outfile, define })
  await chmod(outfile, 0o755)
  await copyFile(join(root, 'LICENSE'), join(outdir, 'LICENSE'))
  await copyFile(join(root, 'plugin', 'README.md'), join(outdir, 'README.md'))
  await writeFile(
    join(outdir, 'THIRD-PARTY'),
    await thirdPartyNotices(root, [...packagesIn(metafile), ...packagesIn(page.metafile)], ''),
  )
  await writeFile(join(outdir, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return Object.values(metafile.outputs)[0]?.bytes ?? 0
}

const manifest = {
  name: 'kubectl-startgate',
  version: VERSION,
  description: 'kubectl startgate: checks startgate, shows who waits for what, and lints manifests offline.',
  license: 'Apache-2.0',
  type: 'module',
  bin: { 'kubectl-startgate': FILE, 'kubectl_complete-startgate': FILE },
  files: [FILE, 'THIRD-PARTY'],
  engines: { node: `>=${LEAST_NODE}` },
  keywords: ['kubectl', 'kubectl-plugin', 'kubernetes', 'startgate'],
}
