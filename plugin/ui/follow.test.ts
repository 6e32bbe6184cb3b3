import { expect, test } from 'vitest'
import { refused } from '../state/state-client.ts'
import { madeGate, madeState } from '../testing/made-state.ts'
import type { FeedEvent, Reader } from './feed.ts'
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

function pages(sizes: number[]): Reader {
  return async () =>
    async ({ continue: at = '0' }) => {
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

const busy = () => refused(429, JSON.stringify({ code: 'TOO_MANY_QUESTIONS', message: 'too much' }), {})

test('the leader is looked for once for all pages, and left alone for a while when it is asked too much', async () => {
  const [told, pauses] = [pages([3, 3, 3]), { count: 0 }]
  let [found, asked] = [0, 0]
  const reader: Reader = async () => {
    found += 1
    const read = await told()
    return async query => {
      asked += 1
      if (asked % 2 === 0) throw busy()
      return read(query)
    }
  }
  const pause = async () => void pauses.count++
  expect((await wholeLine(reader, {}, pause)).items).toHaveLength(9)
  expect({ found, asked, pauses: pauses.count }).toEqual({ found: 1, asked: 5, pauses: 2 })
})

test('a leader that is always asked too much, and any other failure, is told', async () => {
  let pauses = 0
  const pause = async () => void pauses++
  const failing = (error: () => Error) => wholeLine(async () => async () => Promise.reject(error()), {}, pause)
  await expect(failing(busy)).rejects.toThrow('too much')
  expect(pauses).toBe(10)
  await expect(failing(() => new Error('gone'))).rejects.toThrow('gone')
  expect(pauses).toBe(10)
})
