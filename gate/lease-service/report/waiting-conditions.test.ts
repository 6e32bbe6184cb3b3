import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import type { Waiting } from '../model/grant.ts'
import { NOT_WAITING, WAITING_CONDITION, waitingCondition } from '../pods/waiting-condition.ts'
import { madePod } from '../testing/made-pods.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import type { PatchFailure, WrittenCondition } from './condition-patch.ts'
import { WaitingConditions } from './waiting-conditions.ts'

const row = (name: string, place = 1, gate = ''): Waiting => ({
  ...{ key: `start.${name}.1${gate}`, resource: 'start', namespace: 'shop', cause: 'full', place, of: 9 },
  reason: `start: node n has 2 of 2 slots in use; place ${place}`,
})
const gateRuns: ContainerStatus = { name: 'startgate-start', ready: false, restartCount: 0, state: { running: {} } }
const shown = (pod: Pod, status: 'True' | 'False', statuses: ContainerStatus[] = []): Pod => ({
  ...pod,
  status: { conditions: [{ type: WAITING_CONDITION, status }], initContainerStatuses: statuses },
})

function setUp(pods: Pod[] = [madePod('a'), madePod('b')]) {
  const world = {
    nowMs: 100_000,
    failure: undefined as PatchFailure | undefined,
    failureOf: new Map<string, PatchFailure>(),
    hold: undefined as Promise<void> | undefined,
  }
  const written: { pod: string; condition: WrittenCondition; atMs: number }[] = []
  const byUid = new Map(pods.map(pod => [pod.metadata.uid ?? '', pod]))
  const conditions = new WaitingConditions({
    async write(pod, condition) {
      written.push({ pod: pod.metadata.name ?? '', condition, atMs: world.nowMs })
      await world.hold
      return world.failureOf.get(pod.metadata.name ?? '') ?? world.failure
    },
    podOf: uid => byUid.get(uid),
    clock: { monotonicMs: () => world.nowMs, wallMs: () => world.nowMs },
  })
  const passes = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      world.nowMs += 1_000
      conditions.tick()
      await setImmediate()
    }
  }
  const texts = () =>
    written.map(({ pod, condition }) => `${pod} ${condition.status} ${condition.message.slice(0, 12)}`)
  return { world, written, conditions, passes, texts, byUid, kept: () => conditions.size }
}

test('a pod is told of after ten seconds, anew when its place has changed, every half minute at most', async () => {
  const { conditions, passes, texts, written } = setUp()
  conditions.waiting([[row('a', 3), 9_999]])
  await passes(2)
  expect(texts()).toEqual([])
  conditions.waiting([[row('a', 3), 10_000]])
  await passes(2)
  expect(texts()).toEqual(['a True place 3 of 9'])
  conditions.waiting([[row('a', 2), 12_000]])
  await passes(27)
  expect(texts()).toHaveLength(1)
  await passes(5)
  await passes(100)
  expect(texts()).toEqual(['a True place 3 of 9', 'a True place 2 of 9'])
  // It has waited since the first of them.
  expect(written.map(({ condition }) => condition.lastTransitionTime)).toEqual(['1970-01-01T00:01:43Z', undefined])
  expect(written[0]?.condition).toMatchObject(waitingCondition(row('a', 3)))
})

test('one that goes before all have been told again who waits is not said to wait', async () => {
  const { conditions, passes, texts } = setUp()
  conditions.waiting([
    [row('a'), 9_000],
    [row('b'), 10_000],
  ])
  conditions.granted({ podUid: 'b', key: row('b').key })
  await passes(3)
  expect(texts()).toEqual([])
  conditions.waiting([[row('b'), 12_000]])
  await passes(1)
  expect(texts()).toEqual(['b True place 1 of 9'])
})

test('at its grant it is taken off at once, and of a pod that was never told of nothing is', async () => {
  const { conditions, passes, texts, written } = setUp()
  conditions.waiting([
    [row('a'), 10_000],
    [row('b'), 1_000],
  ])
  await passes(1)
  conditions.granted({ podUid: 'a', key: 'start.a.1' })
  conditions.granted({ podUid: 'b', key: 'start.b.1' })
  await passes(1)
  expect(texts()).toEqual(['a True place 1 of 9', 'a False no gate of t'])
  expect(written[1]?.condition).toEqual({ ...NOT_WAITING, lastTransitionTime: '1970-01-01T00:01:42Z' })
})

test('of a pod with several gates it stays while another of them waits', async () => {
  const { conditions, passes, texts } = setUp([sequencedPod()])
  conditions.waiting([
    [row('u1', 1, '.startgate-start-db'), 10_000],
    [row('u1', 2, '.startgate-start-cache'), 10_000],
  ])
  await passes(1)
  conditions.granted({ podUid: 'u1', key: 'start.u1.1.startgate-start-db' })
  conditions.waiting([[row('u1', 2, '.startgate-start-cache'), 11_000]])
  await passes(1)
  expect(texts()).toEqual(['shop-0 True place 1 of 9'])
  conditions.granted({ podUid: 'u1', key: 'start.u1.1.startgate-start-cache' })
  await passes(1)
  expect(texts()).toHaveLength(2)
})

test('what a pod shows of an earlier leader, or of a gate that failed open, is taken off when no gate of it runs', async () => {
  const { conditions, passes, texts } = setUp()
  conditions.podShown(shown(madePod('a'), 'True', [gateRuns]))
  conditions.podShown(shown(madePod('b'), 'False'))
  await passes(2)
  expect(texts()).toEqual([])
  conditions.podShown(shown(madePod('a'), 'True'))
  // Past starting by now: it is taken off all the same.
  conditions.podForgotten('a')
  await passes(2)
  expect(texts()).toEqual(['a False no gate of t'])
})

test('fifty a second in all; those to be taken off first, then those never told of, then those of longest ago', async () => {
  const names = Array.from({ length: 120 }, (_, i) => `pod-${i}`)
  const { conditions, passes, written, world } = setUp(names.map(name => madePod(name)))
  conditions.waiting(names.map(name => [row(name), 10_000]))
  await passes(1)
  expect(written.map(({ pod }) => pod)).toEqual(names.slice(0, 50))
  for (const name of names.slice(0, 5)) conditions.granted({ podUid: name, key: `start.${name}.1` })
  conditions.waiting(names.slice(5).map(name => [row(name, 2), 40_000]))
  world.nowMs += 30_000
  await passes(1)
  expect(written.slice(50).map(({ pod }) => pod)).toEqual([...names.slice(0, 5), ...names.slice(50, 95)])
  await passes(1)
  expect(written.slice(100).map(({ pod }) => pod)).toEqual([...names.slice(95), ...names.slice(5, 30)])
})

test('a write that hangs is not overtaken by the next of its pod, and keeps its place', async () => {
  const { conditions, passes, texts, world } = setUp()
  const { promise, resolve } = Promise.withResolvers<void>()
  world.hold = promise
  conditions.waiting([[row('a'), 10_000]])
  await passes(1)
  conditions.granted({ podUid: 'a', key: 'start.a.1' })
  conditions.waiting([])
  await passes(5)
  expect(texts()).toEqual(['a True place 1 of 9'])
  resolve()
  await setImmediate()
  await passes(1)
  expect(texts()).toEqual(['a True place 1 of 9', 'a False no gate of t'])
})

test('eight at a time, however long they take, and another as soon as one is through', async () => {
  const names = Array.from({ length: 60 }, (_, i) => `pod-${i}`)
  const { conditions, passes, written, world } = setUp(names.map(name => madePod(name)))
  const { promise, resolve } = Promise.withResolvers<void>()
  world.hold = promise
  conditions.waiting(names.map(name => [row(name), 10_000]))
  await passes(20)
  expect(written.map(({ pod }) => pod)).toEqual(names.slice(0, 8))
  conditions.granted({ podUid: 'pod-3', key: 'start.pod-3.1' })
  // Due by the last tick, and let go since.
  conditions.granted({ podUid: 'pod-9', key: 'start.pod-9.1' })
  resolve()
  world.hold = undefined
  await setImmediate()
  const told = names.slice(8, 58).filter(name => name !== 'pod-9')
  const texts = [...told.slice(0, 3).map(name => `${name} True`), 'pod-3 False']
  texts.push(...told.slice(3).map(name => `${name} True`))
  expect(written.slice(8).map(({ pod, condition }) => `${pod} ${condition.status}`)).toEqual(texts)
})

test('once the term has ended nothing more is begun', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `pod-${i}`)
  const { conditions, passes, written, world } = setUp(names.map(name => madePod(name)))
  const { promise, resolve } = Promise.withResolvers<void>()
  world.hold = promise
  conditions.waiting(names.map(name => [row(name), 10_000]))
  await passes(1)
  conditions.stop()
  resolve()
  await setImmediate()
  expect(written).toHaveLength(8)
})

const REFUSED = { isPassing: false, isGone: false, isOfPod: true, retryAfterMs: undefined }

test('a pod whose condition is refused rests alone, twice as long each time', async () => {
  const { conditions, passes, texts, world } = setUp()
  world.failureOf.set('a', REFUSED)
  conditions.podShown(shown(madePod('a'), 'True'))
  conditions.waiting([[row('b'), 10_000]])
  await passes(2)
  expect(texts()).toEqual(['a False no gate of t', 'b True place 1 of 9'])
  const triesIn = async (seconds: number) => {
    const before = texts().length
    await passes(seconds)
    return texts()
      .slice(before)
      .filter(text => text.startsWith('a')).length
  }
  expect(await triesIn(57)).toBe(0)
  expect(await triesIn(4)).toBe(1)
  expect(await triesIn(116)).toBe(0)
  expect(await triesIn(4)).toBe(1)
  world.failureOf.clear()
  expect(await triesIn(240)).toBe(1)
  expect(await triesIn(1_000)).toBe(0)
})

test('what a refused pod waits for is not tried in between, either', async () => {
  const { conditions, passes, texts, world } = setUp()
  world.failureOf.set('a', REFUSED)
  conditions.waiting([
    [row('a'), 10_000],
    [row('b'), 10_000],
  ])
  await passes(59)
  expect(texts()).toEqual(['a True place 1 of 9', 'b True place 1 of 9'])
  await passes(3)
  expect(texts().filter(text => text.startsWith('a'))).toHaveLength(2)
})

test('of a pod that is forgotten nothing is kept, whatever was written of it last', async () => {
  const { conditions, passes, byUid, kept, world } = setUp()
  conditions.waiting([
    [row('a'), 10_000],
    [row('b'), 10_000],
  ])
  await passes(1)
  conditions.waiting([])
  world.failureOf.set('b', REFUSED)
  for (const uid of ['a', 'b']) {
    conditions.granted({ podUid: uid, key: `start.${uid}.1` })
    byUid.delete(uid)
    conditions.podForgotten(uid)
  }
  await passes(2)
  world.failureOf.set('b', { ...REFUSED, isOfPod: false, isGone: true })
  await passes(70)
  expect(kept()).toBe(0)
})

test.each([
  { what: 'may pass', isPassing: true, isGone: false, tries: 3 },
  { what: 'will not pass by itself', isPassing: false, isGone: false, tries: 1 },
  { what: 'is for good', isPassing: false, isGone: true, tries: 1 },
])('after a failure of all that $what all writes rest: $tries in 15 s', async ({ isPassing, isGone, tries }) => {
  const { conditions, passes, texts, world } = setUp()
  world.failure = { isPassing, isGone, isOfPod: false, retryAfterMs: undefined }
  conditions.podShown(shown(madePod('a'), 'True'))
  await passes(1)
  conditions.waiting([[row('b'), 10_000]])
  await passes(4)
  const others = texts().filter(text => text.startsWith('b'))
  expect(others).toHaveLength(isGone ? 1 : 0)
  conditions.waiting([])
  await passes(10)
  expect(texts().filter(text => text.startsWith('a'))).toHaveLength(tries)
  world.failure = undefined
  await passes(60)
  expect(texts().filter(text => text.startsWith('a'))).toHaveLength(isGone ? tries : tries + 1)
})
