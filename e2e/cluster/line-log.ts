import type { Log } from './step-cache.ts'

/** What of an output stream a log needs. */
export interface LineOutput {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

const CLEAR_LINE = '\r\u001b[K'

/** Writes lines to `out`; where that is a terminal, also some that the next one takes the place of. */
export function lineLog(out: LineOutput, indent = ''): Log {
  let open = false
  const write = (line: string, end: string) => {
    out.write(`${open ? CLEAR_LINE : ''}${line}${end}`)
    open = end === ''
  }
  const log: Log = line => write(indent + line, '\n')
  // A line that wraps could not be cleared. A terminal that does not know its width says 0.
  if (out.isTTY) log.rewrite = line => write((indent + line).slice(0, (out.columns || 80) - 1), '')
  return log
}
