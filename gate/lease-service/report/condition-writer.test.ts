import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { KubeError } from '../../../core/kube/kube-error.ts'
import type { ApiRequest } from '../../../core/kube/transport.ts'
import type { Pod } from '../../../core/pod.ts'
import type { StartedCondition } from '../pods/started-condition.ts'
import { ConditionWriter } from './condition-writer.ts'

const podOf = (uid: string): Pod => ({ metadata: { uid, name: uid, namespace: 'shop' }, spec: { containers: [] } })

const says = (message: string): StartedCondition => ({
  type: 'startgate.dev/Started',
  status: 'False',
  reason: 'Starting',
  message,
})

/** `answer`: what the API server does with a write of this message for this pod. */
function setUp(answer: (pod: string, message: string) => Promise<unknown>) {
  const tried: string[] = []
  const taken: string[] = []
  const writer = new ConditionWriter({
    transport: {
      request: async <T>({ path, body }: ApiRequest): Promise<T> => {
        const { status } = body as { status: { conditions: { message: string }[] } }
        const [pod, message] = [path.split('/').at(-2) ?? '', status.conditions[0]?.message ?? '']
        tried.push(`${pod}: ${message}`)
        await answer(pod, message)
        taken.push(`${pod}: ${message}`)
        return undefined as T
      },
    },
    clock: { monotonicMs: () => performance.now(), wallMs: () => 0 },
    log: pino({ level: 'silent' }),
    leastGapMs: 1,
  })
  return { writer, tried, taken }
}

const failure = (status: number) => new KubeError('no', { status, reason: 'Unknown' })

test.each([429, 500, 503, 0, 401, 409])('the last word is written again until it is taken: %i', async status => {
  let failures = 3
  const { writer, taken } = setUp(async () => {
    if (failures-- > 0) throw failure(status)
  })
  writer.put(podOf('a'), says('last'))
  await expect.poll(() => taken).toEqual(['a: last'])
})

test('of what comes while writes fail only the latest is written', async () => {
  let isDown = true
  const { writer, taken } = setUp(async () => {
    if (isDown) throw failure(503)
  })
  for (const word of ['one', 'two', 'three']) {
    writer.put(podOf('a'), says(word))
    await setImmediate()
  }
  isDown = false
  await expect.poll(() => taken).toEqual(['a: three'])
  expect(taken).toHaveLength(1)
})

test('a pod that hangs holds no other up', async () => {
  const { writer, taken } = setUp(pod => (pod === 'hangs' ? new Promise(() => undefined) : Promise.resolve()))
  for (const uid of ['hangs', 'a', 'b']) writer.put(podOf(uid), says('x'))
  await expect.poll(() => taken).toEqual(['a: x', 'b: x'])
})

test('eight at a time, and the next as soon as one is through', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { writer, tried, taken } = setUp(() => promise)
  for (let i = 0; i < 30; i++) writer.put(podOf(`pod-${i}`), says('x'))
  await setImmediate()
  expect(tried).toHaveLength(8)
  resolve()
  await expect.poll(() => taken.length).toBe(30)
})

test.each([404, 422, 403])('what will never be taken is not tried again: %i', async status => {
  const { writer, tried, taken } = setUp(async pod => {
    if (pod === 'a') throw failure(status)
  })
  writer.put(podOf('a'), says('x'))
  // Due later than any second try of the first.
  writer.put(podOf('b'), says('1'))
  await expect.poll(() => taken.length).toBe(1)
  for (const word of ['2', '3', '4', '5']) {
    writer.put(podOf('b'), says(word))
    await expect.poll(() => taken.at(-1)).toBe(`b: ${word}`)
  }
  expect(tried.filter(each => each.startsWith('a'))).toEqual(['a: x'])
})

test('a pod that is gone is written to no more', async () => {
  const { writer, tried } = setUp(async () => {
    throw failure(503)
  })
  writer.put(podOf('a'), says('x'))
  await expect.poll(() => tried.length).toBeGreaterThan(1)
  writer.removePod('a')
  await setImmediate()
  const before = tried.length
  writer.put(podOf('b'), says('y'))
  await expect.poll(() => tried.filter(each => each.startsWith('b')).length).toBeGreaterThan(4)
  expect(tried.slice(before).filter(each => each.startsWith('a'))).toEqual([])
})
