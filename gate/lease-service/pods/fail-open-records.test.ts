import { expect, test } from 'vitest'
import { madePod } from '../testing/made-pods.ts'
import { failOpensOf } from './fail-open-records.ts'

const failedOpen = (message: string) =>
  failOpensOf(
    madePod('a', {
      initContainerStatuses: [
        {
          ...{ name: 'startgate-start', ready: true, restartCount: 0, containerID: 'c1' },
          state: { terminated: { exitCode: 0, finishedAt: '2026-01-01T00:00:05Z', message } },
        },
      ],
    }),
  )

const verdict = (reason: unknown) => JSON.stringify({ verdict: 'failed-open', waitedMs: 7, reason })

test('a gate that failed open is told of, with when and why', () => {
  expect(failedOpen(verdict('no contact for 5 minutes'))).toEqual([
    {
      ...{ verdict: 'failed-open', gate: 'startgate-start', waitedMs: 7, reason: 'no contact for 5 minutes' },
      ...{ containerId: 'c1', finishedAtMs: Date.parse('2026-01-01T00:00:05Z') },
    },
  ])
  for (const message of ['', 'null', '[]', '{"verdict":"failed-open"}', '{'.repeat(4_096)])
    expect(failedOpen(message)).toEqual([])
})

test.each([
  ['line ends', 'a\r\nWarning  Failed  b\u2028c\u2029d\u0085e', 'a Warning  Failed  b c d e'],
  ['escape sequences', 'a\u001b[2Jb\u009b1mc\u0000\u0007', 'a [2Jb 1mc'],
  ['marks that turn the text around', 'a\u202eb\u2066c', 'a b c'],
  ['more than fits', `${'\n'.repeat(300)}${'x'.repeat(300)}`, 'x'.repeat(200)],
  ['nothing', undefined, ''],
])('whatever a pod writes for the reason, it is one printable line: %s', (_, reason, want) => {
  expect(failedOpen(verdict(reason)).map(each => each.reason)).toEqual([want])
})
