import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readPressure } from './node-pressure.ts'

async function pressureFiles(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'startgate-pressure-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

test('what the kernel tells is read, what it does not tell is left out', async () => {
  const line = 'some avg10=12.50 avg60=0.00 avg300=0.00 total=1\n'
  expect(await readPressure(await pressureFiles({ cpu: line, memory: 'not supported' }))).toEqual({ cpu: 12.5 })
})

test('a kernel without pressure tells nothing', async () => {
  expect(await readPressure('/nowhere/at/all')).toEqual({})
})
