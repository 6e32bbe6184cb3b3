import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { type ApiAccess, ApiStatusError } from './api-access.ts'
import { ObjectWatch, WatchGapError } from './object-watch.ts'

const line = (type: string, name: string, version: number) =>
  `${JSON.stringify({ type, object: { metadata: { name, resourceVersion: String(version) } } })}\n`

type Answer = string[] | Error | 'open'

/** An API whose list has one pod at version 5, and whose watches answer one after another; `open` never ends. */
function fakeApi(answers: Answer[], lists: object[] = []) {
  const asked: string[] = []
  let exhausted = () => {}
  const done = new Promise<void>(resolve => {
    exhausted = resolve
  })
  const api: ApiAccess = {
    getText: () => Promise.reject(new Error('not used here')),
    getJson: () =>
      Promise.resolve(
        lists.shift() ?? {
          metadata: { resourceVersion: '7' },
          items: [{ metadata: { name: 'old', resourceVersion: '5' } }],
        },
      ),
    get: async (path, signal) => {
      asked.push(new URL(path, 'https://x').searchParams.get('resourceVersion') ?? '')
      const answer = answers.shift() ?? 'open'
      if (answer instanceof Error) throw answer
      if (answer !== 'open') return Readable.from(answer) as IncomingMessage
      exhausted()
      return Readable.from(never(signal)) as IncomingMessage
    },
    close: () => {},
  }
  return { api, asked, done }
}

/** A stream that stays open and says nothing. */
async function* never(signal?: AbortSignal): AsyncGenerator<string> {
  signal?.throwIfAborted()
  await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}

async function watched(answers: Answer[], options: { bridgeGaps?: boolean; lists?: object[] } = {}) {
  const { api, asked, done } = fakeApi(answers, options.lists)
  const seen: string[] = []
  const watch = new ObjectWatch(
    api,
    '/api/v1/pods',
    e => seen.push(`${e.type} ${e.object.metadata.name} ${e.resourceVersion}`),
    options,
  )
  await watch.start()
  return { watch, asked, done, seen }
}

test('tells the list, then the events from its version on, also when a line comes in pieces', async () => {
  const text = line('ADDED', 'new', 8) + line('BOOKMARK', '', 9) + line('DELETED', 'old', 10)
  const { watch, asked, done, seen } = await watched([[text.slice(0, 30), text.slice(30)]])
  await done
  await watch.stop()
  expect(seen).toEqual(['ADDED old 5', 'ADDED new 8', 'DELETED old 10'])
  expect(asked).toEqual(['7', '10'])
  watch.check()
})

test('goes on from the last version seen, not from a line that was cut off', async () => {
  const { watch, asked, done, seen } = await watched([
    [line('ADDED', 'new', 8), line('MODIFIED', 'new', 9).slice(0, 20)],
  ])
  await done
  await watch.stop()
  expect(seen).toEqual(['ADDED old 5', 'ADDED new 8'])
  expect(asked).toEqual(['7', '8'])
})

test('a watch that bridges gaps lists again, tells the differences as of the list, and owns up to the gap', async () => {
  const items = (...names: [string, string][]) =>
    names.map(([name, resourceVersion]) => ({ metadata: { name, resourceVersion } }))
  const lists = [
    { metadata: { resourceVersion: '7' }, items: items(['same', '3'], ['changed', '4'], ['gone', '5']) },
    { metadata: { resourceVersion: '20' }, items: items(['same', '3'], ['changed', '12'], ['new', '13']) },
  ]
  const starting = new ApiStatusError('/api/v1/pods', 503, '')
  const expired = new ApiStatusError('/api/v1/pods', 410, '')
  const { watch, asked, done, seen } = await watched([starting, expired], { bridgeGaps: true, lists })
  await done
  await watch.stop()
  expect(seen.slice(3)).toEqual(['DELETED gone 20', 'MODIFIED changed 20', 'ADDED new 20'])
  expect(asked).toEqual(['7', '7', '20'])
  expect(watch.gaps).toEqual([{ fromVersion: 7, toVersion: 20 }])
  watch.check()
})

const gone = { code: 410, message: 'too old resource version' }
test.each<[string, Answer]>([
  ['a status of 410', new ApiStatusError('/api/v1/pods', 410, '')],
  ['an ERROR event', [`${JSON.stringify({ type: 'ERROR', object: gone })}\n`]],
])('%s is a gap and makes all that was seen worthless', async (_, answer) => {
  const { watch } = await watched([answer])
  await expect
    .poll(() => {
      try {
        watch.check()
        return undefined
      } catch (error) {
        return error
      }
    })
    .toBeInstanceOf(WatchGapError)
})
