import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ELF_HEADER_BYTES, elfMachine } from '../../release/image/elf.ts'
import { installedOrNpm, NATIVE_MODULE, nativePackage, type PackageSource } from '../../release/image/native-module.ts'
import { type Arch, IMAGE_ARCHS, nodeArch } from '../../release/model/platforms.ts'
import type { Log } from './step-cache.ts'

/** e_machine of the ELF header. */
const MACHINE: Readonly<Record<Arch, number>> = { amd64: 62, arm64: 183 }

/**
 * The native module from npm, or where this machine's registry or lock file does not have it for another platform, the
 * beginning of a library of that platform under its name: then the image's layers can be looked at, but its agent would
 * not run. A release refuses what is taken here.
 */
export function npmOrStandIn(root: string, log: Log): PackageSource {
  const real = installedOrNpm(root)
  return async (name, to) => {
    const arch = IMAGE_ARCHS.find(each => nativePackage(each) === name)
    await real(name, to).catch(async (cause: Error) => {
      if (arch === undefined) throw cause
      log(`the native module for ${arch} is a stand-in: ${cause.message}`)
      await mkdir(to, { recursive: true })
      const main = `${NATIVE_MODULE}.linux-${nodeArch(arch)}-gnu.node`
      await writeFile(join(to, main), libraryOf(arch))
      // What the notice and the bill of materials say of it.
      const manifest = { name, version: '0.0.0', main, license: 'MIT', author: 'stand-in' }
      await writeFile(join(to, 'package.json'), JSON.stringify(manifest))
    })
  }
}

function libraryOf(arch: Arch): Buffer {
  const header = Buffer.alloc(ELF_HEADER_BYTES)
  header.write('\x7fELF\x02\x01\x01', 'latin1')
  header.writeUInt16LE(MACHINE[arch], ELF_HEADER_BYTES - 2)
  if (elfMachine(header) !== arch) throw new Error(`the stand-in is for ${elfMachine(header)}`)
  return header
}
