import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { measureLoad, readPressure } from './node-pressure.ts'

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

test('how busy the node is comes from two readings of its CPU time, with the pressure after them', async () => {
  const proc = await pressureFiles({ stat: 'cpu  10 0 10 80 0 0 0 0\ncpu0 10 0 10 80 0 0 0 0\n' })
  await mkdir(join(proc, 'pressure'))
  const load = await measureLoad(proc, async () => {
    await writeFile(join(proc, 'stat'), 'cpu  50 0 20 100 30 0 0 0\ncpu0 50 0 20 100 30 0 0 0\n')
    await writeFile(join(proc, 'pressure', 'cpu'), 'some avg10=12.50 avg60=0.00 avg300=0.00 total=1\n')
  })
  expect(load).toEqual({ pressure: { cpu: 12.5 }, busy: 0.5 })
})

test('a kernel that tells nothing is not waited for', async () => {
  const pause = async (): Promise<void> => Promise.reject(new Error('waited'))
  expect(await measureLoad('/nowhere/at/all', pause)).toEqual({ pressure: {} })
})
