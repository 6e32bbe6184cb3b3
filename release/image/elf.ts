import type { Arch } from '../model/platforms.ts'

// https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html: e_machine is the half word at 18.
const MAGIC = Buffer.from('\x7fELF', 'latin1')
const MACHINE_AT = 18
const MACHINES: Readonly<Record<number, Arch>> = { 62: 'amd64', 183: 'arm64' }

/** How many bytes of a file `elfMachine` wants to see. */
export const ELF_HEADER_BYTES = 20

/**
 * For which machine a program or library is, by its first bytes: `other` for one that we build nothing for, undefined
 * for a file that is no ELF file.
 */
export function elfMachine(head: Buffer): Arch | 'other' | undefined {
  if (head.length < ELF_HEADER_BYTES || !head.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  return MACHINES[head.readUInt16LE(MACHINE_AT)] ?? 'other'
}
