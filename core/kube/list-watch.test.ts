import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { KubeError } from './kube-error.ts'
import { createListWatch } from './list-watch.ts'
import type { KubeObject } from './store.ts'
import type { ApiRequest, ApiTransport, StreamRequest } from './transport.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const object = (name: string, resourceVersion: string, uid = name): KubeObject => ({
  metadata: { namespace: 'shop', name, uid, resourceVersion },
})
const line = (type: string, value: unknown) => `${JSON.stringify({ type, object: value })}\n`
const page = (resourceVersion: string, ...items: KubeObject[]) => ({ metadata: { resourceVersion }, items })
const gone = () => new KubeError('too old', { status: 410, reason: 'Expired' })
const lost = () => new KubeError('cut', { status: 0, reason: 'ConnectionLost' })

/**
 * What a watch brings: text, silence of so many ms, an error that ends it, or `Open` for one that stays open till
 * stopped.
 */
type Piece = string | number | Error | 'Open'

/**
 * Answers lists and watches from two scripts and notes what was asked. Streaming lists come from `streams`; without it
 * there are none.
 */
class FakeTransport implements ApiTransport {
  asked: string[] = []
  streams: Piece[][] | undefined
  readonly #lists: unknown[]
  readonly #watches: Piece[][]
  constructor(lists: unknown[], watches: Piece[][]) {
    this.#lists = lists
    this.#watches = watches
  }

  async request<T>({ query }: ApiRequest): Promise<T> {
    this.asked.push(query?.continue ? `list ${query.continue}` : 'list')
    const answer = this.#lists.shift()
    if (answer instanceof Error || answer === undefined) throw answer ?? lost()
    return answer as T
  }

  async openStream({ query, signal }: StreamRequest): Promise<AsyncIterable<Uint8Array>> {
    if (query?.sendInitialEvents) {
      if (!this.streams) throw new KubeError('no WatchList', { status: 422, reason: 'Invalid' })
      this.asked.push('stream')
      return this.#read(this.streams.shift() ?? ['Open'], signal)
    }
    this.asked.push(`watch ${query?.resourceVersion}`)
    const [first, ...rest] = this.#watches.shift() ?? ['Open']
    if (first instanceof Error) throw first
    return this.#read([first ?? 'Open', ...rest], signal)
  }

  async *#read(pieces: Piece[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) {
      if (piece instanceof Error) throw piece
      if (typeof piece === 'number') await new Promise(resolve => setTimeout(resolve, piece))
      else if (piece === 'Open') await new Promise(resolve => signal.addEventListener('abort', resolve))
      else yield Buffer.from(piece)
    }
  }
}

function watching(lists: unknown[], watches: Piece[][], onChange?: () => void) {
  const transport = new FakeTransport(lists, watches)
  const seen: string[] = []
  const listWatch = createListWatch<KubeObject>({
    client: { transport },
    path: '/api/v1/pods',
    onChange: ({ metadata }, previous) => {
      seen.push(`${previous ? 'updated' : 'added'} ${metadata.uid}`)
      onChange?.()
    },
    onDelete: ({ metadata }) => void seen.push(`deleted ${metadata.uid}`),
    onSynced: () => void seen.push('synced'),
    log: pino({ level: 'silent' }),
    clock: { wallMs: () => Date.now(), monotonicMs: () => Date.now() },
    random: () => 0.5,
  })
  return { transport, seen, listWatch }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

test('a list of pages, then a watch from there, in pieces cut anywhere', async () => {
  const added = line('ADDED', object('web', '8'))
  const lists = [
    { metadata: { resourceVersion: '7', continue: 'p2' }, items: [object('a', '1')] },
    page('7', object('b', '2')),
  ]
  const { transport, seen, listWatch } = watching(lists, [[added.slice(0, 20), added.slice(20), 'Open']])
  expect([listWatch.hasSynced(), listWatch.lastEventAgeMs()]).toEqual([false, Infinity])
  listWatch.start()
  await listWatch.synced
  await pass(1_000)
  expect(transport.asked).toEqual(['list', 'list p2', 'watch 7'])
  expect(seen).toEqual(['added a', 'added b', 'synced', 'added web'])
  expect(listWatch.get('shop/web')).toEqual(object('web', '8'))
  expect([listWatch.hasSynced(), listWatch.lastEventAgeMs()]).toEqual([true, 1_000])
})

const listed = (resourceVersion: string) =>
  line('BOOKMARK', { metadata: { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } } })
const silent = () => new KubeError('silent', { status: 0, reason: 'Timeout' })

test('a streaming list goes on as a watch, and is watched on from what was seen last', async () => {
  const { transport, seen, listWatch } = watching([], [['Open']])
  transport.streams = [[line('ADDED', object('a', '1')), listed('7'), line('MODIFIED', object('a', '9')), lost()]]
  listWatch.start()
  await pass(1_000)
  expect(transport.asked).toEqual(['stream', 'watch 9'])
  expect(seen).toEqual(['added a', 'synced', 'updated a'])
})

test('a streaming list after a 410 tells what was deleted meanwhile, once it is complete', async () => {
  const { transport, seen, listWatch } = watching([], [])
  transport.streams = [
    [line('ADDED', object('a', '1')), line('ADDED', object('b', '2')), listed('7'), line('ERROR', { code: 410 })],
    [line('ADDED', object('b', '2')), line('ADDED', object('c', '8')), listed('9'), 'Open'],
  ]
  listWatch.start()
  await pass(1_000)
  expect(seen).toEqual(['added a', 'added b', 'synced', 'added c', 'deleted a'])
})

test('half a streaming list is none: it is asked for anew, and nothing is taken for deleted before', async () => {
  const { transport, seen, listWatch } = watching([], [])
  transport.streams = [[line('ADDED', object('a', '1')), lost()], [line('ADDED', object('a', '1')), lost()], ['Open']]
  listWatch.start()
  await pass(10_000)
  expect(transport.asked).toEqual(['stream', 'stream', 'stream'])
  expect([seen, listWatch.hasSynced()]).toEqual([['added a'], false])
})

test('an object that is deleted while its list is streamed is gone', async () => {
  const { transport, seen, listWatch } = watching([], [])
  transport.streams = [[line('ADDED', object('a', '1')), line('DELETED', object('a', '2')), listed('7'), 'Open']]
  listWatch.start()
  await pass(10)
  expect(seen).toEqual(['added a', 'deleted a', 'synced'])
})

test.each([
  ['begins to watch', [line('BOOKMARK', { metadata: { resourceVersion: '5' } }), 'Open']],
  ['never says that the list is complete', [line('ADDED', object('a', '1')), silent()]],
])('a server that %s is asked for pages', async (_, stream: Piece[]) => {
  const { transport, seen, listWatch } = watching([page('7', object('a', '1'), object('b', '1'))], [])
  transport.streams = [stream]
  listWatch.start()
  await pass(10)
  expect(transport.asked).toEqual(['stream', 'list', 'watch 7'])
  expect(seen).toEqual(['added a', 'added b', 'synced'])
})

test('watches that follow one another for an hour cost no new list', async () => {
  const watch = [line('BOOKMARK', { metadata: { resourceVersion: '8' } }), 240_000]
  const { transport, listWatch } = watching([page('7'), page('9')], Array(20).fill(watch))
  listWatch.start()
  await pass(3_600_000)
  expect(transport.asked.filter(asked => asked === 'list')).toEqual(['list'])
  expect(transport.asked.length).toBeGreaterThan(10)
})

test('a page is told before the next one is asked for, so that pages do not pile up', async () => {
  const order: string[] = []
  const lists = [
    { metadata: { resourceVersion: '7', continue: 'p2' }, items: [object('a', '1')] },
    page('7', object('b', '2')),
  ]
  const { transport, listWatch } = watching(lists, [], () => void order.push(`told after ${transport.asked.length}`))
  listWatch.start()
  await listWatch.synced
  expect(order).toEqual(['told after 1', 'told after 2'])
})

test('a closed or cut watch goes on after what was seen last, bookmarks included', async () => {
  const bookmark = line('BOOKMARK', { metadata: { resourceVersion: '20' } })
  const event = line('MODIFIED', object('a', '30'))
  const { transport, seen, listWatch } = watching(
    [page('7', object('a', '1'))],
    [[bookmark], [event, lost()], ['Open']],
  )
  listWatch.start()
  await pass(1_000)
  expect(transport.asked).toEqual(['list', 'watch 7', 'watch 20', 'watch 30'])
  expect(seen).toEqual(['added a', 'synced', 'updated a'])
})

test.each([
  ['as an answer', [gone()]],
  ['as an event', [line('ERROR', { code: 410, reason: 'Expired' })]],
])('410 %s: a new list tells what was missed', async (_, watch: Piece[]) => {
  const lists = [page('7', object('a', '1'), object('b', '1')), page('90', object('b', '80', 'b2'), object('c', '85'))]
  const { transport, seen, listWatch } = watching(lists, [watch])
  listWatch.start()
  await pass(1_000)
  expect(transport.asked).toEqual(['list', 'watch 7', 'list', 'watch 90'])
  expect(seen.slice(3)).toEqual(['deleted b', 'added b2', 'added c', 'deleted a'])
})

test('a garbled line or an unknown ERROR is answered with a new list', async () => {
  const lists = [page('7'), page('8'), page('9')]
  const { transport, listWatch } = watching(lists, [['{"type":"AD\n'], [line('ERROR', { code: 500 })]])
  listWatch.start()
  await pass(2_000)
  expect(transport.asked).toEqual(['list', 'watch 7', 'list', 'watch 8', 'list', 'watch 9'])
})

test('an API server that is away is asked again and again, without being flooded', async () => {
  const { transport, listWatch } = watching([lost(), lost(), page('7')], Array(400).fill([lost()]))
  listWatch.start()
  await pass(60_000)
  expect(transport.asked.slice(0, 4)).toEqual(['list', 'list', 'list', 'watch 7'])
  expect(transport.asked.length).toBeGreaterThan(15)
  expect(transport.asked.length).toBeLessThan(60)
})

test('a server that closes every watch at once is not flooded either', async () => {
  const { transport, listWatch } = watching([page('7')], Array(400).fill(['']))
  listWatch.start()
  await pass(60_000)
  expect(transport.asked.length).toBeLessThan(60)
})

test('a handler that throws does not end the watch', async () => {
  const { seen, listWatch } = watching([page('7', object('a', '1'), object('b', '1'))], [], () => {
    throw new Error('handler')
  })
  listWatch.start()
  await pass(10)
  expect(seen).toEqual(['added a', 'added b', 'synced'])
})

test('after stop() nothing is asked and no handler is called', async () => {
  const { transport, seen, listWatch } = watching([page('7')], [['Open']])
  listWatch.start()
  await pass(10)
  await listWatch.stop()
  const asked = transport.asked.length
  await pass(600_000)
  expect([transport.asked.length, seen]).toEqual([asked, ['synced']])
})
