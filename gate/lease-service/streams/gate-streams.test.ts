import { expect, test } from 'vitest'
import type { GateMessage } from '../../../core/lease-api.ts'
import type { Stream } from '../model/stream.ts'
import { GateStreams } from './gate-streams.ts'

function fakeStream(nonce = 'nonce-01') {
  const heard: GateMessage[] = []
  const stream: Stream = {
    nonce,
    isOpen: () => true,
    send: message => void heard.push(message),
    end: message => void heard.push(message),
  }
  return { heard, stream }
}
const shop = { resource: 'start', namespace: 'shop', cause: 'full' } as const
const row = (place: number) => ({ key: 'k', ...shop, place, of: 9, reason: 'in line' })

test('a place is told at once, the next changes at most once a second, and silence is broken every 5 s', () => {
  const streams = new GateStreams()
  const { heard, stream } = fakeStream()
  streams.open('k', stream)
  streams.tell(row(3), 10)
  streams.tell(row(2), 500)
  expect(heard).toMatchObject([{ place: 3 }])
  streams.beat(1_010)
  expect(heard).toMatchObject([{ place: 3 }, { place: 2 }])
  streams.beat(6_009)
  expect(heard).toHaveLength(2)
  streams.beat(6_010)
  expect(heard).toHaveLength(3)
})

test('what has not changed is told again as the same message', () => {
  const streams = new GateStreams()
  const { heard, stream } = fakeStream()
  streams.open('k', stream)
  for (const nowMs of [10, 6_000]) streams.tell(row(3), nowMs)
  streams.tell({ ...row(3), of: 8 }, 12_000)
  expect(heard).toMatchObject([{ of: 9 }, { of: 9 }, { of: 8 }])
  expect(heard[1]).toBe(heard[0])
})

test('where there are thousands a change of place waits for the heartbeat', () => {
  const streams = new GateStreams()
  for (let i = 0; i < 10_000; i++) streams.open(String(i), fakeStream().stream)
  const { heard, stream } = fakeStream()
  streams.open('k', stream)
  streams.tell(row(3), 10)
  streams.tell(row(2), 2_000)
  streams.beat(5_009)
  expect(heard).toMatchObject([{ place: 3 }])
  streams.beat(5_010)
  expect(heard).toMatchObject([{ place: 3 }, { place: 2 }])
})

test('a gate that waits is asked for the pressure on its node once', () => {
  const streams = new GateStreams()
  const { heard, stream } = fakeStream()
  streams.open('k', stream)
  streams.tell(row(3), 10)
  streams.askPressure('k', '192.0.2.1:1', 20)
  streams.askPressure('gone', '192.0.2.1:1', 20)
  streams.beat(5_020)
  const place = { kind: 'waiting', place: 3, of: 9, reason: 'in line' }
  expect(heard).toEqual([place, { ...place, pressureTo: '192.0.2.1:1' }, place])
})

test('whose grant is being stored hears no place that was his before, and in the end how long that took', () => {
  const streams = new GateStreams()
  const { heard, stream } = fakeStream()
  streams.open('k', stream)
  streams.tell(row(3), 10)
  streams.tell(row(2), 500)
  streams.decided('k', 600)
  streams.beat(1_010)
  expect(heard.slice(1)).toMatchObject([
    { kind: 'waiting', place: 0, reason: expect.stringContaining('turn has come') },
  ])
  streams.grant('k', 'lease-1', 4_100)
  expect(heard.at(-1)).toMatchObject({ kind: 'granted', storedMs: 3_500 })
})

test('the grant carries the nonce of the stream it goes to', () => {
  const streams = new GateStreams()
  const first = fakeStream('nonce-01')
  const second = fakeStream('nonce-02')
  streams.open('k', first.stream)
  streams.open('k', second.stream)
  expect(first.heard).toMatchObject([{ kind: 'retry' }])
  expect(streams.grant('k', 'lease-1', 0)).toBe(true)
  expect(second.heard).toEqual([{ kind: 'granted', nonce: 'nonce-02', lease: 'lease-1' }])
  expect(streams.grant('k', 'lease-1', 0)).toBe(false)
})

test('a broken stream that was taken over does not take the new one down', () => {
  const streams = new GateStreams()
  const first = fakeStream()
  const second = fakeStream()
  streams.open('k', first.stream)
  streams.open('k', second.stream)
  expect(streams.close('k', first.stream)).toBe(false)
  expect(streams.size).toBe(1)
  expect(streams.close('k', second.stream)).toBe(true)
})

test('nothing is sent when nothing has changed', () => {
  const streams = new GateStreams()
  const { heard, stream } = fakeStream()
  streams.open('k', stream)
  for (let ms = 10; ms < 4_000; ms += 500) {
    streams.tell({ ...row(3), estimateMs: 10_000 - ms }, ms)
    streams.beat(ms)
  }
  expect(heard).toHaveLength(1)
})

test('of a gate whose stream has ended, however, nothing is kept', () => {
  const streams = new GateStreams()
  const ends: ((key: string, stream: Stream) => unknown)[] = [
    (key, stream) => streams.close(key, stream),
    key => streams.grant(key, undefined, 1),
    key => streams.askAgain(key, 'anew'),
    () => streams.endAll(() => ({ kind: 'retry', afterMs: 1, reason: 'the leader is changing' })),
  ]
  for (const [i, end] of ends.entries()) {
    const { stream } = fakeStream()
    streams.open(`k${i}`, stream)
    streams.close(`k${i}`, fakeStream().stream)
    expect(streams.untold.size).toBe(1)
    end(`k${i}`, stream)
    expect(streams.untold.size).toBe(0)
  }
})
