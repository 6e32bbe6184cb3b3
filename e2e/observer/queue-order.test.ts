import { expect, test } from 'vitest'
import type { ObservedPod } from './cluster-events.ts'
import { overtakings } from './queue-order.ts'

const at = (second: number) => new Date(second * 1000).toISOString()

/** A pod whose gate waited from `from` to `to`, in seconds. */
function waited(name: string, { created, from, to }: { created: number; from: number; to: number }): ObservedPod {
  const terminated = { exitCode: 0, startedAt: at(from), finishedAt: at(to) }
  return {
    metadata: { name, namespace: 'test', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: at(created) },
    spec: { containers: [{ name: 'app' }] },
    status: {
      initContainerStatuses: [{ name: 'startgate-start', ready: true, restartCount: 0, state: { terminated } }],
    },
  }
}

const cases = {
  'in order': { b: { created: 1, from: 2, to: 30 }, want: [] },
  'the later one first, while the earlier was in line': { b: { created: 1, from: 2, to: 10 }, want: ['a by b'] },
  'a second apart, which whole seconds cannot tell': { b: { created: 1, from: 2, to: 19 }, want: [] },
  'equal ages go by UID': { b: { created: 0, from: 2, to: 10 }, want: ['a by b'] },
  'before the earlier was in line': { b: { created: 1, from: 2, to: 5 }, want: [] },
}

test.each(Object.entries(cases))('%s', (_, { want, b }) => {
  const pods = [waited('a', { created: 0, from: 2, to: 20 }), waited('b', b)]
  const found = overtakings(pods, { slackMs: 5_000 })
  expect(found.map(o => `${o.earlier} by ${o.later}`)).toEqual(want)
})
