import { afterAll, expect, test } from 'vitest'
import { Costs, Dice, fuzzRuns, MOST_MS, spoil } from '../../../core/testing/fuzz.ts'
import { RefusedError } from '../model/refusal.ts'
import { agentRequestOf, gateRequestOf, pressureRequestOf, reportsRequestOf } from './request-body.ts'

const READERS = { gateRequestOf, agentRequestOf, reportsRequestOf, pressureRequestOf }
type Reader = keyof typeof READERS

const run = { podUid: '0d6f3c1e-0000-4000-8000-000000000000', attempt: 1, nonce: 'nonce-0001' }
const reports = [
  { container: 'db', containerId: 'containerd://1', state: 'ready', status: 'up' },
  { container: 'web', state: 'failed', errno: 2, extendUntilMs: 5_000 },
]
const BODIES: Record<Reader, string> = {
  gateRequestOf: JSON.stringify({ ...run, pressure: { cpu: 1, io: 2, memory: 3 } }),
  agentRequestOf: JSON.stringify({ ...run, reports }),
  reportsRequestOf: JSON.stringify({ ...run, reports }),
  pressureRequestOf: JSON.stringify({ podUid: run.podUid, pressure: { cpu: 99.5 }, busy: 0.5 }),
}
const NAMES = Object.keys(READERS) as [Reader, ...Reader[]]

const costs = new Costs()
const counts = { taken: 0, refused: 0 }

/** What was read, as JSON; undefined when it was refused with a sentence. Throws what is neither. */
function read(name: Reader, text: string): string | undefined {
  try {
    const request = READERS[name](JSON.parse(text))
    counts.taken++
    return JSON.stringify(request)
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 400) throw error
    if (error.message.length > 300) throw new Error('a sentence that nobody reads', { cause: error })
    counts.refused++
    return undefined
  }
}

afterAll(() => {
  const slowest = costs.slowest().map(({ name, ms }) => `${ms} ms ${name}`)
  console.log(`slowest requests: ${slowest.join(', ')}; ${counts.taken} taken, ${counts.refused} refused`)
})

test('whatever a request is, it is read or refused with a short sentence, and what was read reads the same again', () => {
  const runs = Math.floor(fuzzRuns(process.env) * 0.2)
  for (let seed = 0; seed < runs; seed++) {
    const dice = new Dice(seed)
    const name = dice.of(NAMES)
    const body: Record<string, unknown> = JSON.parse(BODIES[name])
    for (let left = dice.below(4); left > 0; left--) spoil(body, dice)
    const text = JSON.stringify(body)
    const found = costs.quick(
      () => `seed ${seed}`,
      () => read(name, text),
    )
    if (found !== undefined && read(name, found) !== found) throw new Error(`seed ${seed}: ${text} reads as ${found}`)
  }
  expect(counts.taken).toBeGreaterThan(runs / 10)
  expect(counts.refused).toBeGreaterThan(runs / 10)
  expect(costs.slowest().filter(({ ms }) => ms > MOST_MS)).toEqual([])
}, 600_000)
