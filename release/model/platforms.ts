/** Architectures of the image, in the words of OCI. */
export const IMAGE_ARCHS = ['amd64', 'arm64'] as const
export type Arch = (typeof IMAGE_ARCHS)[number]

/** Where the plugin runs, in the words of Go, as krew and OCI have them. */
export interface Platform {
  os: 'linux' | 'darwin' | 'windows'
  arch: Arch
}

/** Those for which there is an executable of the plugin. */
export const PLUGIN_PLATFORMS: readonly Platform[] = (['linux', 'darwin', 'windows'] as const).flatMap(os =>
  IMAGE_ARCHS.map(arch => ({ os, arch })),
)

/** The name of an architecture in npm and Node.js. */
export const nodeArch = (arch: Arch): 'x64' | 'arm64' => (arch === 'amd64' ? 'x64' : 'arm64')

/** The name of an operating system in Node.js's archives and npm packages. */
export const nodeOs = (os: Platform['os']): string => (os === 'windows' ? 'win' : os)

/** Of the machine that builds, for images that are to run on it. Throws where no image of ours would run. */
export function ownArch(arch: string = process.arch): Arch {
  const found = IMAGE_ARCHS.find(each => nodeArch(each) === arch)
  if (found === undefined) throw new Error(`there is no image for ${arch}, only for ${IMAGE_ARCHS.join(' and ')}`)
  return found
}
