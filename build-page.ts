import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import type { Assets } from './plugin/ui/assets.ts'

const root = import.meta.dirname
const page = join(root, 'plugin', 'page')

const OPTIONS = {
  absWorkingDir: root,
  bundle: true,
  platform: 'browser',
  target: ['chrome110', 'firefox115', 'safari16.4'],
  minify: true,
  legalComments: 'none',
  write: false,
  metafile: true,
  outdir: root,
  logLevel: 'warning',
} as const satisfies BuildOptions

/** The files of the live page, and what they are made of: script and style with all they need, nothing from elsewhere. */
export async function buildPage(): Promise<{ assets: Assets; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    entryPoints: [join(page, 'main.ts'), join(page, 'page.css')],
    format: 'esm',
  })
  const text = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? ''
  const assets = {
    html: await readFile(join(page, 'page.html'), 'utf8'),
    script: text('.js'),
    style: text('.css'),
    icon: await readFile(join(page, 'icon.svg'), 'utf8'),
  }
  return { assets, metafile }
}
