import { expect, test } from 'vitest'
import type { Pod } from '../../../core/pod.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { Grant } from '../model/grant.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { Ledger } from './ledger.ts'

const SETTINGS = { ...DEFAULT_SETTINGS, node: { maxStarting: 2 } }
const STARTED_MS = Date.parse('2026-01-01T00:00:00Z')

function ticketFor(pod: Pod) {
  const ticket = ticketOf(pod, { gate: 'startgate-start', attempt: 1 })
  if ('refused' in ticket) throw new Error(ticket.refused)
  return ticket
}

function grantFor(pod: Pod): Grant {
  const limits = { term: 1, grantedAtMs: 0, timeoutMs: SETTINGS.startTimeoutMs, staleContainerIds: [] }
  return { ...ticketFor(pod), ...limits }
}

/** It runs and is not ready, and nobody has granted it anything. */
const starting = madePod('starting', {
  containerStatuses: [
    {
      ...{ name: 'app', ready: false, restartCount: 0, containerID: 'c1' },
      state: { running: { startedAt: new Date(STARTED_MS).toISOString() } },
    },
  ],
})

/** A new leader that has found two grants, and is asked about the first of them before it has decided anything. */
function askedFirst(pods: Pod[], wallMs: number): Grant | undefined {
  const ledger = new Ledger(SETTINGS)
  ledger.upsertNode(madeNode())
  const granted = [madePod('a'), madePod('b')]
  for (const pod of [...granted, ...pods]) ledger.upsertPod(pod)
  for (const pod of granted) ledger.adopt(grantFor(pod), 0)
  return ledger.ask(ticketFor(madePod('a')), 0, wallMs)
}

test('a start without a slot takes the room of a stored grant whose gate asks before the first decision', () => {
  expect(askedFirst([starting], STARTED_MS)).toBeUndefined()
  expect(askedFirst([], STARTED_MS)).toBeDefined()
})

test('one that has been running for hours takes none', () => {
  expect(askedFirst([starting], STARTED_MS + 3_600_000)).toBeDefined()
})
