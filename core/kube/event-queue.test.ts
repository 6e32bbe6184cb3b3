import { expect, test } from 'vitest'
import type { EventFacts } from './event.ts'
import { EventQueue, QUEUE_LIMITS } from './event-queue.ts'

const facts = (note: string): EventFacts => ({
  regarding: { kind: 'Pod', name: 'web-1', namespace: 'shop', uid: 'u1' },
  type: 'Normal',
  reason: 'Waiting',
  note,
  component: 'startgate',
  wallMs: 0,
})

function sendAll(queue: EventQueue, nowMs: number): number {
  let sent = 0
  while (queue.next(nowMs).kind === 'send') sent++
  return sent
}

test('a burst of 50 goes at once, then 20 a second', () => {
  const queue = new EventQueue()
  for (let i = 0; i < 200; i++) queue.add(facts(`${i}`), 0)
  expect(sendAll(queue, 0)).toBe(50)
  expect(queue.next(0)).toEqual({ kind: 'wait', ms: 50 })
  expect(sendAll(queue, 1_000)).toBe(20)
  expect(sendAll(queue, 3_000)).toBe(40)
})

test('the same again within ten minutes is only counted', () => {
  const queue = new EventQueue()
  expect(queue.add(facts('a'), 0)).toBe('queued')
  expect(queue.add(facts('a'), 599_999)).toBe('repeated')
  expect(queue.add(facts('b'), 1)).toBe('queued')
  expect(queue.add(facts('a'), 600_000)).toBe('queued')
})

test('about objects of other names or namespaces it is not the same, nor the same in other words under one id', () => {
  const queue = new EventQueue()
  const about = (change: object, note = 'a') => {
    const { regarding, ...rest } = facts(note)
    return queue.add({ ...rest, id: 'x', regarding: { ...regarding, ...change } }, 0)
  }
  expect([about({}), about({ namespace: 'other' }), about({ name: 'web-2' })]).toEqual(['queued', 'queued', 'queued'])
  expect(about({}, 'otherwise')).toBe('repeated')
})

test('a full queue drops, and a dropped Event may be said later', () => {
  const queue = new EventQueue({ ...QUEUE_LIMITS, capacity: 1 })
  expect([queue.add(facts('a'), 0), queue.add(facts('b'), 0)]).toEqual(['queued', 'dropped'])
  queue.next(0)
  expect(queue.add(facts('b'), 1)).toBe('queued')
})

test('a failed Event waits longer each time, does not hold up the others, and is given up after four tries', () => {
  const queue = new EventQueue()
  queue.add(facts('bad'), 0)
  const delays: number[] = []
  let nowMs = 0
  for (;;) {
    const step = queue.next(nowMs)
    if (step.kind !== 'send') throw new Error(`nothing to send at ${nowMs}`)
    if (!queue.retry(step.event, nowMs)) break
    queue.add(facts(`other ${nowMs}`), nowMs)
    expect(queue.next(nowMs).kind).toBe('send')
    const wait = queue.next(nowMs)
    if (wait.kind !== 'wait') throw new Error('the failed one does not wait')
    delays.push(wait.ms)
    nowMs += wait.ms
  }
  expect(delays).toEqual([500, 2_000, 8_000])
  expect(queue.next(nowMs)).toEqual({ kind: 'empty' })
})
