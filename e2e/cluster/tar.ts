/** One entry of a tar file. Only what an image layer needs of ustar. */
export interface TarEntry {
  path: string
  size?: number
  /** Octal permissions. */
  mode?: number
}

const BLOCK = 512

/** The 512-byte header of a regular file, owned by root, dated 1970 so that equal content has an equal digest. */
export function tarHeader({ path, size = 0, mode = 0o644 }: TarEntry): Buffer {
  if (Buffer.byteLength(path) > 99) throw new RangeError(`tar path too long: ${path}`)
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`
  header.write(path, 0)
  header.write(octal(mode, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(size, 12), 124)
  header.write(octal(0, 12), 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Zero bytes that fill the last block of a file. */
export function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}

/** Header, content and padding of one file. */
export function tarEntry(entry: Omit<TarEntry, 'size'>, content: Buffer): Buffer {
  return Buffer.concat([tarHeader({ ...entry, size: content.length }), content, padding(content.length)])
}

/** A whole archive. */
export function tarArchive(entries: readonly { path: string; mode?: number; content: Buffer }[]): Buffer {
  const files = entries.map(({ content, ...entry }) => tarEntry(entry, content))
  return Buffer.concat([...files, Buffer.alloc(2 * BLOCK)])
}
