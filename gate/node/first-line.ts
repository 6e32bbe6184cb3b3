/**
 * Waits for the first line of a byte stream, of at most `most` bytes with its line feed. Each call takes what has come
 * and returns the line without its line feed once it is whole, undefined until then; throws RangeError when it is too
 * long or more comes after it.
 */
export function firstLine(most: number): (chunk: Buffer) => string | undefined {
  const parts: Buffer[] = []
  let size = 0
  return chunk => {
    size += chunk.length
    const end = chunk.indexOf(10)
    if (size > most) throw new RangeError(`the first line is longer than ${most} bytes`)
    if (end >= 0 && end < chunk.length - 1) throw new RangeError('more than one line was sent')
    parts.push(chunk)
    return end < 0 ? undefined : Buffer.concat(parts).toString('utf8').trimEnd()
  }
}
