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

test.each([false, true])(
  'a container that has restarted beside one that starts owes a slot, also where a gate asked before the decision: %s',
  isAsked => {
    const ledger = new Ledger({ ...SETTINGS, node: { maxStarting: 4 } })
    const ran = { exitCode: 1, containerID: 'c1', startedAt: at(2_000) }
    const gate = { name: 'startgate-start', ready: true, restartCount: 0, containerID: 'g1' }
    const half = madePod('half', {
      phase: 'Running',
      initContainerStatuses: [
        { ...gate, state: { terminated: { exitCode: 0, containerID: 'g1', finishedAt: at(1_000) } } },
      ],
      containerStatuses: [
        {
          ...{ name: 'app', ready: false, restartCount: 1, containerID: 'c2', lastState: { terminated: ran } },
          state: { running: { startedAt: at(3_000) } },
        },
        {
          ...{ name: 'side', ready: false, restartCount: 0, containerID: 's1' },
          state: { running: { startedAt: at(2_000) } },
        },
      ],
    })
    half.spec.containers.push({ name: 'side', readinessProbe: {} })
    ledger.upsertNode(madeNode())
    for (const pod of [madePod('a'), half]) {
      ledger.upsertPod(pod)
      ledger.adopt(grantFor(pod), 0)
    }
    if (isAsked) ledger.ask(ticketFor(madePod('a')), 0, STARTED_MS + 4_000)
    ledger.step(0, 2, STARTED_MS + 4_000)
    expect(ledger.usage().find(({ scope }) => scope === 'node/worker-1')).toMatchObject({ held: 2, debt: 1 })
  },
)

test('what starts under a Lease that somebody deleted owes its slot at once', () => {
  const ledger = new Ledger(SETTINGS)
  ledger.upsertNode(madeNode())
  ledger.upsertPod(starting)
  ledger.adopt(grantFor(starting), 0)
  const wallMs = STARTED_MS + 1_000
  ledger.step(0, 2, wallMs)
  const onNode = () => ledger.usage().find(({ scope }) => scope === 'node/worker-1')
  expect(onNode()).toMatchObject({ held: 1, debt: 0 })
  ledger.revoke(grantFor(starting).key)
  ledger.step(0, 2, wallMs)
  expect(onNode()).toMatchObject({ held: 0, debt: 1 })
})

function at(ms: number): string {
  return new Date(STARTED_MS + ms).toISOString()
}
