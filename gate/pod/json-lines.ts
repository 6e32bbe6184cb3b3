import { StringDecoder } from 'node:string_decoder'

/** A line longer than this is no answer of ours; reading on would only fill the gate's memory. */
const MAX_LINE = 65_536

/**
 * Cuts a byte stream into JSON values, one a line; holds what is not complete yet.
 * Throws SyntaxError on a line that is no JSON and RangeError on one over 64 KiB.
 */
export function createJsonLines(): (chunk: Buffer) => unknown[] {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return chunk => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE) throw new RangeError(`an answer line is longer than ${MAX_LINE} characters`)
    return lines.filter(line => line.trim() !== '').map(line => JSON.parse(line) as unknown)
  }
}
