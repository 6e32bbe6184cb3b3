import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Log, Progress } from './step-cache.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** What a step of 65 s shows that reports how often it was asked. */
async function shown(isTerminal: boolean): Promise<{ lines: string[]; rewritten: string[] }> {
  const lines: string[] = []
  const rewritten: string[] = []
  const log: Log = line => void lines.push(line)
  if (isTerminal) log.rewrite = line => void rewritten.push(line)
  const step = new Progress(log, 2).step('binary', async report => {
    let asked = 0
    report(() => `part ${++asked}`)
    await new Promise(resolve => setTimeout(resolve, 65_000))
  })
  await vi.advanceTimersByTimeAsync(65_000)
  await step
  await vi.advanceTimersByTimeAsync(65_000)
  return { lines, rewritten }
}

test('on a terminal one line is rewritten each second until the step ends', async () => {
  const { lines, rewritten } = await shown(true)
  expect(lines).toEqual(['[1/2] binary … 65 s'])
  expect(rewritten.length).toBeGreaterThanOrEqual(64)
  expect(rewritten[41]).toBe('[1/2] binary … 42 s: part 42')
})

test('elsewhere there is a line every 30 s until the step ends', async () => {
  const { lines } = await shown(false)
  expect(lines).toEqual([
    '[1/2] binary …',
    '[1/2] binary … 30 s: part 1',
    '[1/2] binary … 60 s: part 2',
    '[1/2] binary … 65 s',
  ])
})

test('a step that fails says so, and no more is told of it', async () => {
  const lines: string[] = []
  const fails = new Progress(line => void lines.push(line), 1).step('binary', () => Promise.reject(new Error('no Go')))
  await expect(fails).rejects.toThrow('binary: no Go')
  await vi.advanceTimersByTimeAsync(65_000)
  expect(lines).toEqual(['[1/1] binary … failed after 0 s'])
})
