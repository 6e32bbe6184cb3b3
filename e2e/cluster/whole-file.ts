import { rename, writeFile } from 'node:fs/promises'

/** Writes a file whole or not at all: half of one, of a process that was killed, would stop every later reader. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}
