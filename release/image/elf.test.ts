import { open } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ownArch } from '../model/platforms.ts'
import { ELF_HEADER_BYTES, elfMachine } from './elf.ts'

/** The first bytes of a program as its linker writes them. */
function header(machine: number): Buffer {
  const bytes = Buffer.alloc(ELF_HEADER_BYTES)
  bytes.write('\x7fELF\x02\x01\x01', 'latin1')
  bytes.writeUInt16LE(machine, 18)
  return bytes
}

test('Node.js itself is for this machine', async () => {
  const file = await open(process.execPath)
  const { buffer } = await file.read(Buffer.alloc(ELF_HEADER_BYTES), 0, ELF_HEADER_BYTES, 0)
  await file.close()
  expect(elfMachine(buffer)).toBe(ownArch())
})

test('machines are told apart', () => {
  expect([62, 183, 40].map(machine => elfMachine(header(machine)))).toEqual(['amd64', 'arm64', 'other'])
})

test('what is no ELF file, or only its beginning, is for no machine', () => {
  for (const head of [Buffer.from('#!/bin/sh\n'.repeat(3)), Buffer.alloc(64), header(62).subarray(0, 19)])
    expect(elfMachine(head)).toBeUndefined()
})
