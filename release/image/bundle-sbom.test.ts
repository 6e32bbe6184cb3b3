import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { BUNDLES } from '../../build.ts'
import { packagesIn } from '../../third-party.ts'
import { bundleSbom } from './bundle-sbom.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const PRODUCT = { name: 'startgate', version: '1.2.3', license: 'Apache-2.0' }

test('each package is there once, in the order of its name, with what the lock file says', () => {
  const integrity = `sha512-${Buffer.from('00ff', 'hex').toString('base64')}`
  const locked = {
    'node_modules/b': { version: '2.0.0', license: '(MIT OR CC0-1.0)' },
    'node_modules/@scope/a': { version: '1.0.0', license: 'MIT', integrity },
    'node_modules/b/node_modules/@scope/a': { version: '1.0.0', license: 'MIT', integrity },
  }
  const { components, metadata } = bundleSbom(PRODUCT, Object.keys(locked), locked)
  expect(metadata.component).toMatchObject({ type: 'application', purl: 'pkg:npm/startgate@1.2.3' })
  expect(components).toEqual([
    {
      type: 'library',
      'bom-ref': 'pkg:npm/%40scope/a@1.0.0',
      group: '@scope',
      name: 'a',
      version: '1.0.0',
      purl: 'pkg:npm/%40scope/a@1.0.0',
      hashes: [{ alg: 'SHA-512', content: '00ff' }],
      licenses: [{ license: { id: 'MIT' } }],
    },
    {
      type: 'library',
      'bom-ref': 'pkg:npm/b@2.0.0',
      name: 'b',
      version: '2.0.0',
      purl: 'pkg:npm/b@2.0.0',
      licenses: [{ expression: '(MIT OR CC0-1.0)' }],
    },
  ])
})

test('a package that the lock file does not have stops the build', () => {
  expect(() => bundleSbom(PRODUCT, ['node_modules/x'], {})).toThrow('node_modules/x is bundled but not in package-lock')
})

interface NpmSbom {
  components: { purl: string; hashes?: { alg: string; content: string }[] }[]
}

test('of the real bundles it says what `npm sbom` says of the same packages', async () => {
  // With `--omit dev` npm 11 leaves out what a package for development needs as well.
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']
  const { stdout } = await promisify(execFile)('npm', args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
  const theirs = new Map((JSON.parse(stdout) as NpmSbom).components.map(each => [each.purl, each.hashes]))
  const { metafile } = await build({ ...BUNDLES, write: false })
  const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'))
  const { components } = bundleSbom(PRODUCT, packagesIn(metafile), packages)
  expect(components.length).toBeGreaterThan(30)
  for (const { purl, hashes } of components) expect(theirs.get(purl), purl).toEqual(hashes)
})
