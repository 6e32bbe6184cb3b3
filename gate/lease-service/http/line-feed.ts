/**
 * Cuts a byte stream into lines of at most `most` bytes with their line feed. Each call takes what has come and yields
 * the lines that are whole by then; throws RangeError at one that is too long.
 */
export function lineFeed(most: number): (chunk: Buffer) => Iterable<string> {
  let rest: Buffer = Buffer.alloc(0)
  return function* lines(chunk) {
    const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let from = 0
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, from)) {
      if (end + 1 - from > most) throw new RangeError(`a line is longer than ${most} bytes`)
      yield all.toString('utf8', from, end)
      from = end + 1
    }
    rest = all.subarray(from)
    if (rest.length >= most) throw new RangeError(`a line is longer than ${most} bytes`)
  }
}
