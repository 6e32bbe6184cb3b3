import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { PLUGIN_PLATFORMS } from '../model/platforms.ts'
import { archiveName } from './archive.ts'
import { type KrewRelease, krewManifest } from './krew-manifest.ts'

const HOME = 'https://github.com/owner/startgate'
const archives: KrewRelease['archives'] = PLUGIN_PLATFORMS.map((platform, index) => ({
  platform,
  uri: `${HOME}/releases/download/v1.2.3/${archiveName(platform)}`,
  sha256: `${index}`.repeat(64),
}))

test('the manifest has what krew checks, for every platform', () => {
  const manifest = parse(krewManifest({ version: '1.2.3', homepage: HOME, archives }))
  // https://github.com/kubernetes-sigs/krew/blob/v0.4.3/internal/index/validation/validate.go
  expect(manifest).toMatchObject({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'startgate' },
    spec: { version: 'v1.2.3', homepage: HOME },
  })
  expect(manifest.spec.shortDescription).toMatch(/^[^\r\n]{1,60}$/)
  expect(manifest.spec.platforms).toHaveLength(PLUGIN_PLATFORMS.length)
  for (const { selector, uri, sha256, bin } of manifest.spec.platforms) {
    const { os, arch } = selector.matchLabels
    expect(uri).toContain(`/kubectl-startgate_${os}_${arch}.tar.gz`)
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(bin).toBe(os === 'windows' ? 'kubectl-startgate.exe' : 'kubectl-startgate')
  }
})

test('a platform without an archive, and a hash that is none, are refused', () => {
  const without = archives.filter(({ platform: { os, arch } }) => os !== 'darwin' || arch !== 'arm64')
  expect(() => krewManifest({ version: '1.2.3', homepage: HOME, archives: without })).toThrow(
    'there is no archive for darwin/arm64',
  )
  const bad = archives.map(archive => ({ ...archive, sha256: 'ab' }))
  expect(() => krewManifest({ version: '1.2.3', homepage: HOME, archives: bad })).toThrow('"ab" is not the SHA-256')
})
