import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from './machine.ts'

const RESULTS = join(import.meta.dirname, 'results')

/** What a bench has measured. */
export interface Result {
  title: string
  machine: Machine
  runs: readonly object[]
}

/** Writes it to bench/results/NAME.json, with the time of day. */
export async function writeResult(name: string, { title, machine, runs }: Result): Promise<void> {
  await mkdir(RESULTS, { recursive: true })
  await writeFile(join(RESULTS, `${name}.json`), resultText({ title, at: new Date().toISOString(), machine, runs }))
}

/** JSON with a line for each run, so that a change of one shows in a diff. */
export function resultText({ runs, ...rest }: Result & { at: string }): string {
  const head = JSON.stringify(rest, undefined, 1).replace(/\n}$/, ',')
  return `${head}\n "runs": [\n  ${runs.map(run => JSON.stringify(run)).join(',\n  ')}\n ]\n}\n`
}
