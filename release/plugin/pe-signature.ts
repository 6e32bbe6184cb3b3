// https://learn.microsoft.com/windows/win32/debug/pe-format: where the fields are, and that the certificates come last.
const PE_HEADER_AT = 0x3c
const PE = Buffer.from('PE\0\0', 'latin1')
const OPTIONAL_HEADER = 24
const PE32_PLUS = 0x20b
const CERTIFICATES = 112 + 4 * 8

/**
 * A Windows program without its signature, which no longer fits a program that is changed: what is added would lie where
 * the program says that its certificates are. One without a signature is returned as it is. Throws for a file that is no
 * 64-bit program, or that has something after its signature.
 */
export function withoutSignature(program: Buffer): Buffer {
  const header = program.length > PE_HEADER_AT + 4 ? program.readUInt32LE(PE_HEADER_AT) : program.length
  const optional = header + OPTIONAL_HEADER
  const isProgram = optional + CERTIFICATES + 8 <= program.length && program.subarray(header, header + 4).equals(PE)
  if (!isProgram || program.readUInt16LE(optional) !== PE32_PLUS) throw new Error('this is no 64-bit Windows program')
  const entry = optional + CERTIFICATES
  // Of all entries this is the only one that counts from the beginning of the file.
  const [from, size] = [program.readUInt32LE(entry), program.readUInt32LE(entry + 4)]
  if (size === 0) return program
  if (from + size !== program.length) throw new Error(`after its signature the program has more: ${from + size}`)
  const bare = Buffer.from(program.subarray(0, from))
  bare.writeBigUInt64LE(0n, entry)
  return bare
}
