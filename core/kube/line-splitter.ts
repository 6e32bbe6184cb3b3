const NEWLINE = 0x0a

/**
 * Cuts a stream of bytes into lines. A chunk may end anywhere, in the middle of a UTF-8 character too: bytes are
 * decoded only as whole lines (no byte of a multi-byte character is 0x0a). Empty lines are left out; what follows the
 * last newline waits for more and is lost when the stream ends there, since it is half an event.
 */
export class LineSplitter {
  #rest: Uint8Array[] = []

  push(chunk: Uint8Array): string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...this.#rest, chunk.subarray(start, end)]).toString('utf8')
      this.#rest = []
      start = end + 1
      if (line.trim()) lines.push(line)
    }
    if (start < chunk.length) this.#rest.push(chunk.subarray(start))
    return lines
  }
}
