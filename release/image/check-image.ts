import type { Arch } from '../model/platforms.ts'
import { ELF_HEADER_BYTES, elfMachine } from './elf.ts'
import { nativePackage } from './native-module.ts'
import { filesOf, type ImageConfig, type Layout, type LayoutImage } from './oci-layout.ts'
import type { TarFile } from './tar-files.ts'

/** A file of an image as the check sees it. */
export interface SeenFile extends Pick<TarFile, 'path' | 'mode'> {
  machine: Arch | 'other' | undefined
}

/** What every image must have: machine code, each for the image's own platform. */
const PROGRAMS: Readonly<Record<string, (path: string, arch: Arch) => boolean>> = {
  'Node.js': path => path === 'usr/local/bin/node',
  busybox: path => path === 'busybox',
  'the native module': (path, arch) =>
    path.startsWith(`app/node_modules/${nativePackage(arch)}/`) && path.endsWith('.node'),
}

const PRODUCT = /^(app\/|busybox$)/

/** What is wrong with the files of an image for this platform; nothing when it can run there. */
export function imageProblems(arch: Arch, files: readonly SeenFile[]): string[] {
  const missing = Object.entries(PROGRAMS).flatMap(([what, is]) =>
    files.some(({ path, machine }) => machine !== undefined && is(path, arch)) ? [] : [`${what} is not there`],
  )
  const foreign = files.flatMap(({ path, machine }) =>
    machine === undefined || machine === arch ? [] : [`/${path} is for ${machine}`],
  )
  const unreadable = files.flatMap(({ path, mode }) =>
    PRODUCT.test(path) && (mode & 0o4) === 0 ? [`/${path} cannot be read by the image's user`] : [],
  )
  return [...missing, ...foreign, ...unreadable].map(problem => `${arch}: ${problem}`)
}

/** What is wrong with how an image is run, or with the platforms that there are. */
export function configProblems(
  images: readonly { arch: Arch; config: ImageConfig }[],
  wanted: readonly Arch[],
): string[] {
  const archs = images.map(({ arch }) => arch).sort()
  const platforms = archs.join() === [...wanted].sort().join() ? [] : [`for ${archs.join()}, not for ${wanted.join()}`]
  const configs = images.flatMap(({ arch, config: { architecture, config } }) => [
    ...(architecture === arch ? [] : [`${arch}: the configuration says ${architecture}`]),
    ...(config.User === '65532:65532' ? [] : [`${arch}: runs as ${config.User ?? 'root'}`]),
  ])
  return [...platforms, ...configs]
}

/** What is wrong with a multi-platform image in a folder, of all its layers. */
export async function layoutProblems(layout: Layout, wanted: readonly Arch[]): Promise<string[]> {
  const problems = configProblems(layout.images, wanted)
  for (const image of layout.images) problems.push(...imageProblems(image.arch, await seenFiles(layout.dir, image)))
  return problems
}

async function seenFiles(dir: string, image: LayoutImage): Promise<SeenFile[]> {
  const seen: SeenFile[] = []
  for await (const { path, mode, content } of filesOf(dir, image))
    seen.push({ path, mode, machine: elfMachine(content.subarray(0, ELF_HEADER_BYTES)) })
  return seen
}
