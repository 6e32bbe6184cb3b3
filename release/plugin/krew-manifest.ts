import { stringify } from 'yaml'
import { PLUGIN_PLATFORMS, type Platform } from '../model/platforms.ts'
import { programName } from './archive.ts'

export interface KrewRelease {
  version: string
  /** Of the repository. */
  homepage: string
  /** Of each archive, where it can be downloaded, with its SHA-256 in hexadecimal digits. */
  archives: readonly { platform: Platform; uri: string; sha256: string }[]
  /** Those that must be there; all unless told otherwise. */
  platforms?: readonly Platform[]
}

const SHA256 = /^[0-9a-f]{64}$/

/**
 * The manifest by which krew installs the plugin: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/. Throws
 * when a platform has no archive, since krew would tell its users that there is no such plugin.
 */
export function krewManifest({
  version,
  homepage,
  archives,
  platforms: wanted = PLUGIN_PLATFORMS,
}: KrewRelease): string {
  const platforms = wanted.map(({ os, arch }) => {
    const found = archives.find(({ platform }) => platform.os === os && platform.arch === arch)
    if (found === undefined) throw new Error(`there is no archive for ${os}/${arch}`)
    if (!SHA256.test(found.sha256)) throw new Error(`"${found.sha256}" is not the SHA-256 of an archive`)
    const { uri, sha256 } = found
    return { selector: { matchLabels: { os, arch } }, uri, sha256, bin: programName({ os, arch }) }
  })
  return stringify(
    {
      apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
      kind: 'Plugin',
      metadata: { name: 'startgate' },
      spec: {
        version: `v${version}`,
        homepage,
        shortDescription: 'Show who waits to start, and check and lint startgate',
        description:
          'Shows what startgate does in a cluster: who holds slots, who waits, why and for how long.\nChecks an installation, and lints manifests offline by the code of the webhook.\n',
        platforms,
      },
    },
    { lineWidth: 0 },
  )
}
