import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { PodCallers } from './pod-callers.ts'

test('a shell that tries once a second is always taken in, one that tries without end twice a second', () => {
  let nowMs = 0
  const pods = new PodCallers(() => nowMs)
  const taken = (podUid: string, everyMs: number): number => {
    let count = 0
    for (const endMs = nowMs + 600_000; nowMs < endMs; nowMs += everyMs) if (pods.admit(podUid, new Socket())) count++
    return count
  }
  expect(taken('patient', 1_000)).toBe(600)
  expect(taken('hostile', 10)).toBeLessThan(1_225)
  expect(pods.admit('patient', new Socket())).toBe(true)
})

test('the connection before is ended, another pod’s is not', () => {
  const pods = new PodCallers(() => 0)
  const [first, second, other] = [new Socket(), new Socket(), new Socket()]
  pods.admit('a', first)
  pods.admit('b', other)
  pods.admit('a', second)
  expect([first.destroyed, second.destroyed, other.destroyed]).toEqual([true, false, false])
})

test('pods that come and go are forgotten, those that wait are not', () => {
  const pods = new PodCallers(() => 0)
  const waiting = new Socket()
  pods.admit('waiting', waiting)
  for (let index = 0; index < 10_000; index++) {
    const socket = new Socket()
    pods.admit(`pod-${index}`, socket)
    socket.destroy()
  }
  const next = new Socket()
  pods.admit('waiting', next)
  expect(waiting.destroyed).toBe(true)
})
