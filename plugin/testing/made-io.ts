import type { Io } from '../model/io.ts'
import { run } from '../program.ts'

/** For tests: what one command line writes and how it ends. */
export interface Ran {
  code: number
  out: string
  err: string
}

/** Runs a command line in this process, with `stdin` to read and without a terminal. */
export async function ran(
  args: string[],
  { stdin = '', ...changes }: Partial<Io> & { stdin?: string } = {},
): Promise<Ran> {
  let [out, err] = ['', '']
  const io: Io = {
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
    readStdin: async () => Buffer.from(stdin),
    isTerminal: false,
    columns: undefined,
    env: {},
    nowMs: () => Date.parse('2026-01-01T00:00:00Z'),
    ...changes,
  }
  return { code: await run(args, io), out, err }
}
