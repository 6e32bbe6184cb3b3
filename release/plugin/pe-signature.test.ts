import { expect, test } from 'vitest'
import { withoutSignature } from './pe-signature.ts'

const HEADER = 128
const ENTRY = HEADER + 24 + 112 + 32
const BODY = 512
const SIGNATURE = Buffer.from('certificates')

/** The fields of a program that matter here, and what its linker says of a signature. */
function program({ magic = 0x20b, from = 0, size = 0 } = {}): Buffer {
  const bytes = Buffer.alloc(BODY, 0xaa)
  bytes.write('MZ', 'latin1')
  bytes.writeUInt32LE(HEADER, 0x3c)
  bytes.write('PE\0\0', HEADER, 'latin1')
  bytes.writeUInt16LE(magic, HEADER + 24)
  bytes.writeUInt32LE(from, ENTRY)
  bytes.writeUInt32LE(size, ENTRY + 4)
  return bytes
}

const signed = Buffer.concat([program({ from: BODY, size: SIGNATURE.length }), SIGNATURE])

test('the signature and the word of it go, and nothing else', () => {
  expect(withoutSignature(signed)).toEqual(program())
})

test('a program without one stays as it is', () => {
  expect(withoutSignature(program())).toEqual(program())
})

test('what is no 64-bit program, or has more after its signature, is refused', () => {
  for (const other of [Buffer.alloc(0), Buffer.alloc(BODY), Buffer.from('\x7fELF'), program({ magic: 0x10b })])
    expect(() => withoutSignature(other)).toThrow('this is no 64-bit Windows program')
  expect(() => withoutSignature(Buffer.concat([signed, Buffer.alloc(1)]))).toThrow('after its signature')
})
