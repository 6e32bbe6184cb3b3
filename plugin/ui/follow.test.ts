import { expect, test } from 'vitest'
import type { State } from '../../core/state-api.ts'
import { madeGate, madeState } from '../testing/made-state.ts'
import type { FeedEvent } from './feed.ts'
import { followed, type Watch } from './follow.ts'
import { wholeLine } from './whole-line.ts'

test('watches again, at once after one that told something, and ever more rarely while it is in vain', async () => {
  const slept: number[] = []
  const stop = new AbortController()
  const watch: Watch = async function* () {
    if (slept.length === 6) yield { event: 'state', data: '{}' }
    throw new Error(`no leader ${slept.length}`)
  }
  const sleep = async (ms: number): Promise<void> => {
    slept.push(ms)
    if (slept.length === 9) stop.abort()
  }
  const heard: FeedEvent[] = []
  for await (const event of followed(watch, sleep)({}, stop.signal)) heard.push(event)
  expect(slept).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 500, 1_000, 2_000])
  expect(heard.slice(5, 8)).toEqual([
    { kind: 'trouble', sentence: 'no leader 5' },
    { kind: 'state', data: '{}' },
    { kind: 'trouble', sentence: 'no leader 6' },
  ])
})

test('ends with the signal, without a word', async () => {
  const stop = new AbortController()
  const watch: Watch = async function* (_, signal) {
    yield { event: 'state', data: '1' }
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
  }
  const heard: FeedEvent[] = []
  for await (const event of followed(watch)({}, stop.signal)) {
    heard.push(event)
    setImmediate(() => stop.abort())
  }
  expect(heard).toEqual([{ kind: 'state', data: '1' }])
})

function pages(sizes: number[]): (query: { continue?: string }) => Promise<State> {
  return async ({ continue: at = '0' }) => {
    const page = Number(at)
    const items = Array.from({ length: sizes[page] ?? 0 }, (_, i) => madeGate(`${page}-${i}`))
    const state = madeState({ waiting: items })
    const more = page + 1 < sizes.length ? { continue: String(page + 1) } : {}
    return { ...state, waiting: { total: sizes.reduce((a, b) => a + b), items, ...more } }
  }
}

test('a whole line is read page by page, and not for ever', async () => {
  expect(await wholeLine(pages([1_000, 1_000, 5]), {})).toMatchObject({ total: 2_005, items: { length: 2_005 } })
  expect((await wholeLine(pages(Array(100).fill(1_000)), {})).items).toHaveLength(20_000)
  expect((await wholeLine(pages([2, 0, 7]), {})).items).toHaveLength(2)
})
