import { expect, test } from 'vitest'
import { StepScheduler } from './step-scheduler.ts'

/** A scheduler whose steps take so long, in a process whose event loop idles for a part of the time. */
function scheduled({ stepMs, idlePart }: { stepMs: number; idlePart: number }) {
  const steps: number[] = []
  const timers: { atMs: number; act: () => void }[] = []
  let nowMs = 0
  let idleMs = 0
  const after = (ms: number, act: () => void) => {
    timers.push({ atMs: nowMs + ms, act })
    return () => undefined
  }
  const scheduler = new StepScheduler(
    {
      clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
      timers: { after, every: () => () => undefined, soon: act => void after(0, act) },
      loopIdleMs: () => idleMs,
    },
    () => {
      steps.push(nowMs)
      nowMs += stepMs
    },
  )
  /** Until then something happens all the time that a step is due for. */
  const runUntil = (untilMs: number): number[] => {
    scheduler.plan()
    for (let next = timers.shift(); next && next.atMs <= untilMs; next = timers.shift()) {
      if (next.atMs > nowMs) idleMs += idlePart * (next.atMs - nowMs)
      nowMs = Math.max(nowMs, next.atMs)
      next.act()
      scheduler.plan()
    }
    return steps
  }
  return { scheduler, runUntil, timers }
}

test.each([
  { stepMs: 20, everyMs: 40 },
  { stepMs: 90, everyMs: 180 },
  { stepMs: 400, everyMs: 500 },
])('where nothing else is to be done, a step of $stepMs ms runs every $everyMs ms', ({ stepMs, everyMs }) => {
  const { runUntil } = scheduled({ stepMs, idlePart: 1 })
  expect(runUntil(3 * everyMs)).toEqual([0, everyMs, 2 * everyMs, 3 * everyMs])
})

test.each([
  { stepMs: 20, everyMs: 80 },
  { stepMs: 90, everyMs: 340 },
  { stepMs: 400, everyMs: 650 },
])('while requests keep the process busy, a step of $stepMs ms runs every $everyMs ms', ({ stepMs, everyMs }) => {
  const { runUntil } = scheduled({ stepMs, idlePart: 0 })
  expect(runUntil(3 * everyMs)).toEqual([0, everyMs, 2 * everyMs, 3 * everyMs])
})

test('a step that takes no time is followed by the next at once', () => {
  const { scheduler, timers } = scheduled({ stepMs: 0, idlePart: 0 })
  scheduler.plan()
  timers.shift()?.act()
  scheduler.plan()
  expect(timers.map(({ atMs }) => atMs)).toEqual([0])
})

test('one that was stopped steps no more, whatever was planned', () => {
  const { scheduler, timers, runUntil } = scheduled({ stepMs: 20, idlePart: 0 })
  const steps = runUntil(0)
  scheduler.stop()
  for (const { act } of timers) act()
  expect(steps).toEqual([0])
})
