import { unusable } from './model/failure.ts'
import type { Io } from './model/io.ts'

/** The process's own streams. A reader that goes away (`| head`) ends the program without a word. */
export function processIo(): Io {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  return {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    readStdin,
    isTerminal: process.stdout.isTTY === true,
    columns: process.stdout.columns,
    env: process.env,
    nowMs: Date.now,
  }
}

async function readStdin(mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes)
      throw unusable(`standard input is longer than ${mostBytes / 1024 / 1024} MiB; use smaller pieces`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
