import { expect, test } from 'vitest'
import { MAX_RECENT } from '../../../core/state-api.ts'
import { grantFor } from '../store/lease-store.contract.ts'
import { createRecent } from './recent.ts'

test('the latest of each kind are kept, counted from the first', () => {
  let nowMs = 1_000
  const recent = createRecent(() => nowMs)
  const grant = grantFor('a')
  for (let i = 0; i <= MAX_RECENT; i++) recent.granted(grant, i)
  const before = recent.rows()
  nowMs = 3_000
  recent.released(grant, 'Ready')
  recent.timedOut({ grant, container: 'app' })
  recent.failedOpen(
    { namespace: 'shop', name: 'a' },
    {
      ...{ verdict: 'failed-open', gate: 'startgate-start', waitedMs: 60_000.4, reason: 'no contact' },
      ...{ containerId: 'c', finishedAtMs: 2_500 },
    },
  )
  const { grants, releases, timeouts, failOpens } = recent.rows()
  expect([grants.total, grants.items.length, grants.items[0]?.id]).toEqual([MAX_RECENT + 1, MAX_RECENT, '2'])
  expect(releases.items).toMatchObject([{ id: '1', atMs: 3_000, reason: 'Ready', heldMs: 2_000 }])
  expect(timeouts.items).toMatchObject([{ container: 'app', timeoutMs: grant.timeoutMs }])
  expect(failOpens.items).toMatchObject([{ atMs: 2_500, waitedMs: 60_000, reason: 'no contact', pod: 'a' }])
  expect(before.releases.items).toEqual([])
})

test('a grant of an earlier leader was held since its stamp', () => {
  const recent = createRecent(() => 10_000)
  recent.released({ ...grantFor('a'), grantedAtMs: 4_000 }, 'TimedOut')
  recent.released({ ...grantFor('b'), grantedAtMs: 0 }, 'PodGone')
  expect(recent.rows().releases.items.map(({ heldMs }) => heldMs)).toEqual([6_000, 0])
})
