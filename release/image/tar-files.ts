/** A regular file of a tar archive. */
export interface TarFile {
  /** Without a leading `./` or `/`. */
  path: string
  /** Octal permissions. */
  mode: number
  content: Buffer
}

const BLOCK = 512
const REGULAR = new Set(['0', '\0'])

const textAt = (block: Buffer, at: number, length: number): string => {
  const field = block.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString()
}

interface Entry {
  type: string
  header: Buffer
  content: Buffer
}

/** Everything in the archive, in order. */
function* entriesOf(archive: Buffer): Generator<Entry> {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK)
    if (header[0] === 0) return
    const size = Number.parseInt(textAt(header, 124, 12).trim() || '0', 8)
    const content = archive.subarray(at + BLOCK, at + BLOCK + size)
    if (content.length < size) break
    yield { type: String.fromCharCode(header[156] ?? 0), header, content }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  throw new Error('the archive is cut off')
}

/**
 * The regular files of an archive in memory, as ustar, GNU tar and pax write them. Content is not copied. Throws for an
 * archive that is cut off.
 */
export function* tarFiles(archive: Buffer): Generator<TarFile> {
  let longPath: string | undefined
  for (const { type, header, content } of entriesOf(archive)) {
    // A pax header or GNU's long name is for the entry that follows it.
    if (type === 'x' || type === 'L') {
      longPath = (type === 'L' ? textAt(content, 0, content.length) : paxPath(content)) ?? longPath
      continue
    }
    const path = (longPath ?? ustarPath(header)).replace(/^(\.?\/)+/, '')
    longPath = undefined
    if (REGULAR.has(type)) yield { path, mode: Number.parseInt(textAt(header, 100, 8).trim(), 8), content }
  }
}

function ustarPath(header: Buffer): string {
  const prefix = textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : ''
  const name = textAt(header, 0, 100)
  // GNU's own format has other things where ustar has the prefix.
  return prefix === '' || textAt(header, 257, 8) === 'ustar  ' ? name : `${prefix}/${name}`
}

/** `LENGTH path=VALUE\n` among the records of a pax header. */
function paxPath(content: Buffer): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(content.toString())?.[1]
}
