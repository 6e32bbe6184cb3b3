import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installedOrNpm, NATIVE_MODULE, nativePackage, type PackageSource } from '../../release/image/native-module.ts'
import { filesOf, readLayout } from '../../release/image/oci-layout.ts'
import { type Arch, IMAGE_ARCHS, nodeArch } from '../../release/model/platforms.ts'
import type { ReleaseBases } from './release-bases.ts'
import type { Log } from './step-cache.ts'

/** A small library of glibc's own, on every platform. */
const LIBRARY = /\/libutil\.so\.1$/

/**
 * The native module from npm, or where this machine's registry does not have it for another platform, a library of that
 * platform under its name: then the image's layers can be looked at, but its agent would not run.
 */
export function npmOrStandIn(root: string, bases: ReleaseBases, log: Log): PackageSource {
  const real = installedOrNpm(root)
  return async (name, to) => {
    const arch = IMAGE_ARCHS.find(each => nativePackage(each) === name)
    await real(name, to).catch(async (cause: Error) => {
      if (arch === undefined) throw cause
      log(`the native module for ${arch} is a stand-in: ${cause.message}`)
      await mkdir(to, { recursive: true })
      const main = `${NATIVE_MODULE}.linux-${nodeArch(arch)}-gnu.node`
      await writeFile(join(to, main), await libraryOf(bases, arch))
      // What the notice and the bill of materials say of it.
      const manifest = { name, version: '0.0.0', main, license: 'MIT', author: 'stand-in' }
      await writeFile(join(to, 'package.json'), JSON.stringify(manifest))
    })
  }
}

async function libraryOf({ node }: ReleaseBases, arch: Arch): Promise<Buffer> {
  const layout = await readLayout(node.replace(/@.*$/, ''))
  const image = layout.images.find(each => each.arch === arch)
  if (image === undefined) throw new Error(`the base image is not for ${arch}`)
  for await (const { path, content } of filesOf(layout.dir, image)) if (LIBRARY.test(path)) return Buffer.from(content)
  throw new Error(`no ${LIBRARY.source} in the base image for ${arch}`)
}
