import fc from 'fast-check'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { kubeErrorOfStatus } from '../../core/kube/kube-error.ts'
import type { ApiTransport } from '../../core/kube/transport.ts'
import { AWAY_MS, afterLook, areAway, followWaiters, type NoneSinceMs, type WaiterDaemonSet } from './waiters.ts'

const log = pino({ level: 'silent' })
const available = (numberAvailable: number): WaiterDaemonSet => ({ status: { numberAvailable } })

const looks: Record<string, { found: (WaiterDaemonSet | undefined)[]; want: boolean }> = {
  'each node has one': { found: [available(3), available(3), available(3)], want: false },
  'one node has one': { found: [{}, {}, available(1)], want: false },
  'Pod Security admits none': { found: [{}, { status: {} }, { status: {} }], want: true },
  'it was deleted': { found: [undefined, undefined, undefined], want: true },
  'it was deleted half a minute ago': { found: [available(3), undefined, undefined], want: false },
  'one came for a moment': { found: [{}, available(1), {}], want: false },
}
test.each(Object.entries(looks))('whether they are away after a minute: %s', (_, { found, want }) => {
  const everyMs = AWAY_MS / 2
  const since = found.reduce<NoneSinceMs>((before, look, index) => afterLook(before, look, index * everyMs), undefined)
  expect(areAway(since, AWAY_MS)).toBe(want)
})

test('they are away only when every look of the last minute has shown none', () => {
  const look = fc.record({ afterMs: fc.nat(AWAY_MS), count: fc.constantFrom(0, 0, 0, 1, 5) })
  fc.assert(
    fc.property(fc.array(look, { minLength: 1 }), made => {
      let nowMs = 0
      let since: NoneSinceMs
      let someMs = Number.NEGATIVE_INFINITY
      let firstMs: number | undefined
      for (const { afterMs, count } of made) {
        nowMs += afterMs
        firstMs ??= nowMs
        since = afterLook(since, available(count), nowMs)
        if (count > 0) someMs = nowMs
      }
      const isAway = areAway(since, nowMs)
      if (isAway) expect(nowMs - Math.max(someMs, firstMs ?? 0)).toBeGreaterThanOrEqual(AWAY_MS)
      else expect(areAway(since, nowMs + AWAY_MS)).toBe(since !== undefined)
    }),
  )
})

/** Looks once, long ago, at an API server that answers so. */
async function lookedAt(answer: () => Promise<WaiterDaemonSet>, name: string | undefined = 'startgate-node-waiter') {
  let nowMs = 0
  const asked: string[] = []
  const transport = {
    request: async ({ path }: { path: string }) => {
      asked.push(path)
      return answer()
    },
  } as unknown as ApiTransport
  const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs }
  const view = followWaiters(name, { client: { transport }, namespace: 'startgate-system', clock, log })
  onTestFinished(view.stop)
  await new Promise(setImmediate)
  nowMs = AWAY_MS
  return { isAway: view.areAway(), asked }
}

test('asks for the DaemonSet; one that is not there counts as none, one that may not be read as there', async () => {
  const error = (status: number) =>
    Promise.reject(kubeErrorOfStatus('GET', { code: status, ...(status === 404 && { reason: 'NotFound' }) }))
  expect(await lookedAt(async () => ({ status: {} }))).toEqual({
    isAway: true,
    asked: ['/apis/apps/v1/namespaces/startgate-system/daemonsets/startgate-node-waiter'],
  })
  expect((await lookedAt(() => error(404))).isAway).toBe(true)
  expect((await lookedAt(() => error(403))).isAway).toBe(false)
  expect((await lookedAt(async () => available(1))).isAway).toBe(false)
})

test('nothing is asked where waiters are off', async () => {
  let asked = 0
  const transport = { request: async () => void asked++ } as unknown as ApiTransport
  const clock = { monotonicMs: () => 1e9, wallMs: () => 1e9 }
  const off = followWaiters(undefined, { client: { transport }, namespace: 'x', clock, log })
  expect([off.areAway(), asked]).toEqual([false, 0])
})
