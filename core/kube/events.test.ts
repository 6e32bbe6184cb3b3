import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EventFacts } from './event.ts'
import { createEventRecorder, type EventRecord } from './events.ts'
import { KubeError } from './kube-error.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const event: EventRecord = {
  regarding: { kind: 'Pod', name: 'web-1', namespace: 'shop', uid: 'u1' },
  type: 'Warning',
  reason: 'FailedOpen',
  note: 'no contact for 60 s',
}

function recorder(answers: (Error | undefined)[]) {
  const seen: EventFacts[] = []
  const client = {
    async createEvent(facts: EventFacts) {
      seen.push(facts)
      const error = answers.shift()
      if (error) throw error
    },
  }
  const clock = { wallMs: () => Date.now(), monotonicMs: () => Date.now() }
  return { seen, ...createEventRecorder({ client, component: 'startgate', clock, log: pino({ level: 'silent' }) }) }
}

async function settled(flush: () => Promise<void>): Promise<void> {
  const done = flush()
  await vi.runAllTimersAsync()
  await done
}

test('an Event reaches the API server once, and its repeats are counted', async () => {
  const { record, flush, counts, seen } = recorder([])
  record(event)
  record(event)
  await settled(flush)
  expect(seen).toMatchObject([{ ...event, component: 'startgate' }])
  expect(counts()).toEqual({ sent: 1, repeated: 1, dropped: 0 })
})

test('an unreachable API server is tried again', async () => {
  const lost = new KubeError('', { status: 0, reason: 'ConnectionRefused' })
  const { record, flush, counts } = recorder([lost, lost])
  record(event)
  await settled(flush)
  expect(counts()).toEqual({ sent: 1, repeated: 0, dropped: 0 })
})

test('a refused Event is dropped at the first answer', async () => {
  const { record, flush, counts, seen } = recorder([new KubeError('', { status: 403, reason: 'Forbidden' })])
  record(event)
  await settled(flush)
  expect([seen.length, counts().dropped]).toEqual([1, 1])
})

test('an Event recorded after all were sent is sent too', async () => {
  const { record, flush, counts } = recorder([])
  record(event)
  await settled(flush)
  record({ ...event, note: 'again' })
  await settled(flush)
  expect(counts().sent).toBe(2)
})
