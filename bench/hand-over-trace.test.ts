import { expect, test } from 'vitest'
import { runtimeEvent, stepTable } from './hand-over-trace.ts'

// As containerd 1.6 writes them.
const line = (topic: string, fields: object) =>
  `2026-11-29 19:00:43.720459072 +0000 UTC k8s.io ${topic} ${JSON.stringify(fields)}`
const AT_MS = Date.parse('2026-11-29T19:00:43.720Z')

test.each([
  ['/containers/create', { id: 'c', runtime: {} }, { atMs: AT_MS, what: 'created', containerId: 'c' }],
  ['/tasks/start', { container_id: 'c', pid: 7 }, { atMs: AT_MS, what: 'started', containerId: 'c' }],
  ['/tasks/exit', { container_id: 'c', id: 'c' }, { atMs: AT_MS, what: 'exited', containerId: 'c' }],
  ['/tasks/exit', { container_id: 'c', id: 'exec-of-a-probe' }, undefined],
  ['/tasks/delete', { container_id: 'c' }, undefined],
])('%s %j', (topic, fields, want) => {
  expect(runtimeEvent(line(topic, fields))).toEqual(want)
})

test('what is no event is left out', () => {
  expect(runtimeEvent('ctr: cannot connect')).toBeUndefined()
})

test('steps are between moments that are known; each has its own median', () => {
  const table = stepTable([
    { ready: 0, decided: 100, begun: 1_000 },
    { ready: 0, decided: 300, begun: 400 },
    { ready: 0, decided: 200, begun: 700 },
    { ready: 0, begun: 500 },
  ])
  expect(table.split('\n').slice(2)).toEqual([
    '| the leader has decided | 200 ms | 300 ms |',
    '| its first line of its own | 500 ms | 900 ms |',
    '| **in all** | 600 ms | 1000 ms |',
  ])
})
