import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { listenOnLoopback } from '../../core/testing/listen-on-loopback.ts'
import { systemTimers } from '../../core/timers.ts'
import type { FeedEvent } from './feed.ts'
import { buildUiServer, type UiDeps } from './server.ts'

const ASSETS = { html: '<p>', script: 'let a', style: 'p{}', icon: '<svg/>' }

async function serverWith(deps: Partial<UiDeps> = {}) {
  const server = buildUiServer({
    ...{ assets: ASSETS, token: 'sesame', namespace: undefined, timers: systemTimers },
    follow: async function* (_, signal): AsyncGenerator<FeedEvent> {
      yield { kind: 'state', data: '{"a":1}' }
      await once(signal, 'abort')
    },
    reader: async () => Promise.reject(new Error('no replica leads')),
    complain: sentence => expect.fail(sentence),
    ...deps,
  })
  const port = await listenOnLoopback(server)
  const ask = (path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) =>
      get({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).on('error', reject),
    )
  const read = async (path: string, headers?: Record<string, string>) => {
    const answer = await ask(path, headers)
    let text = ''
    for await (const chunk of answer) text += String(chunk)
    return { status: answer.statusCode, headers: answer.headers, text }
  }
  return { ask, read, port }
}

test('every answer, also a refusal, has the strict headers', async () => {
  const { read } = await serverWith()
  for (const path of [
    '/sesame/',
    '/sesame/page.js',
    '/sesame/page.css',
    '/sesame/icon.svg',
    '/sesame/none',
    '/',
    '/sesame/line',
  ]) {
    const { headers } = await read(path)
    const policy = String(headers['content-security-policy'])
    expect(policy, path).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
  }
})

test('serves the files of the page under the token only', async () => {
  const { read } = await serverWith()
  expect(await read('/sesame/')).toMatchObject({ status: 200, text: '<p>' })
  expect(await read('/sesame/page.js')).toMatchObject({ status: 200, text: 'let a' })
  expect((await read('/sesame/page.js')).headers['content-type']).toBe('text/javascript; charset=utf-8')
  expect((await read('/page.js')).status).toBe(404)
  expect((await read('/sesame/', { host: 'evil.example' })).status).toBe(421)
})

test('passes on what the leader tells, as it comes, and lets go of the leader when the page goes', async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const { ask } = await serverWith({
    async *follow(query, signal): AsyncGenerator<FeedEvent> {
      expect(query).toEqual({ limit: 1_000, namespace: 'shop', pod: 'web-0' })
      yield { kind: 'state', data: '{"a":1}' }
      yield { kind: 'trouble', sentence: 'no\nleader' }
      await once(signal, 'abort')
      resolve()
    },
  })
  const answer = await ask('/sesame/events?namespace=shop&pod=web-0')
  expect(answer.headers['content-type']).toBe('text/event-stream')
  let text = ''
  answer.on('data', chunk => {
    text += String(chunk)
  })
  await expect.poll(() => text).toContain('leader')
  expect(text).toBe(
    'retry: 1000\n\nevent: state\ndata: {"a":1}\n\nevent: trouble\ndata: {"sentence":"no\\nleader"}\n\n',
  )
  answer.destroy()
  await ended
})

test('a page that does not read is waited for: the leader is not read on its behalf', async () => {
  let told = 0
  const { ask } = await serverWith({
    async *follow(_, signal): AsyncGenerator<FeedEvent> {
      const data = JSON.stringify('x'.repeat(100_000))
      for (; !signal.aborted && told < 1_000; told++) {
        yield { kind: 'changes', data }
        await new Promise(next => setImmediate(next))
      }
    },
  })
  const answer = await ask('/sesame/events')
  let before = -1
  // The kernel's buffers fill first; then it stands still.
  while (told !== before) {
    before = told
    await new Promise(next => setTimeout(next, 200))
  }
  expect(told).toBeLessThan(200)
  answer.destroy()
})

test('so many streams at a time, and a place is free again when a page has gone', async () => {
  const { ask, read } = await serverWith()
  const open = await Promise.all(Array.from({ length: 5 }, () => ask('/sesame/events')))
  expect(await read('/sesame/events')).toMatchObject({ status: 429, text: 'too many pages are open; close some\n' })
  open[0]?.destroy()
  await expect
    .poll(async () => {
      const answer = await ask('/sesame/events')
      answer.destroy()
      return answer.statusCode
    })
    .toBe(200)
})

test('what cannot be read is said in the leader’s words; what is never asked is refused', async () => {
  const { read } = await serverWith()
  expect(await read('/sesame/line')).toMatchObject({ status: 502, text: 'no replica leads\n' })
  expect((await read('/sesame/line?limit=9')).status).toBe(400)
})
