import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KubeError } from '../../../core/kube/kube-error.ts'
import type { GateMessage } from '../../../core/lease-api.ts'
import type { Pod } from '../../../core/pod.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { scopesOf } from '../limits/scopes.ts'
import { Usage } from '../limits/slot-usage.ts'
import type { Ticket } from '../model/grant.ts'
import { holdersOf } from '../pods/slot-release.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { grantFor } from '../store/lease-store.contract.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { madeService, quiet } from '../testing/made-service.ts'
import { Ledger } from './ledger.ts'
import type { LedgerParts } from './ledger-state.ts'
import { SetAsides } from './set-asides.ts'
import { StageProgress } from './stage-progress.ts'

const settings = { ...DEFAULT_SETTINGS, node: { maxStarting: 1 } }

/** Fails on whatever concerns one of these pods. */
const on = (poison: ReadonlySet<string>, podUid: string): void => {
  if (poison.has(podUid)) throw new RangeError(`${podUid} is poison`)
}

/** Where a fault may be: each part fails on the pods that are poison. */
const SEAMS: Record<string, (poison: ReadonlySet<string>) => Partial<LedgerParts>> = {
  'the limits': poison => ({
    scopesOf: (ticket, facts) => {
      on(poison, 'podUid' in ticket ? String(ticket.podUid) : '')
      return scopesOf(ticket, facts)
    },
  }),
  'the judgement of a grant': poison => ({
    holdersOf: (grant, facts, nowMs) => {
      on(poison, grant.podUid)
      return holdersOf(grant, facts, nowMs)
    },
  }),
  'what it comes after': poison => ({
    findWorkload: (_kind, _namespace, name) => {
      on(poison, name)
      return 'Absent'
    },
  }),
  'the progress of its stages': poison => ({
    progress: new (class extends StageProgress {
      override granted(ticket: Parameters<StageProgress['granted']>[0]): void {
        on(poison, ticket.podUid)
        super.granted(ticket)
      }
    })(),
  }),
}

const podOf = (uid: string): Pod => {
  const pod = madePod(uid)
  return { ...pod, metadata: { ...pod.metadata, annotations: { 'startgate.dev/after': `deployment/${uid}` } } }
}

/** Its container is ready, in a status that also shows the end of its gate. */
const readyPod = (uid: string): Pod => {
  const end = { exitCode: 0, containerID: `${uid}-gate`, finishedAt: '2026-01-01T00:00:01Z' }
  const common = { ready: true, restartCount: 0 }
  return {
    ...podOf(uid),
    status: {
      initContainerStatuses: [
        { ...common, name: 'startgate-start', containerID: end.containerID, state: { terminated: end } },
      ],
      containerStatuses: [{ ...common, name: 'app', containerID: `${uid}-app`, state: { running: {} } }],
    },
  }
}

const UIDS = ['a', 'b', 'c', 'd', 'e', 'f']

test.each(Object.entries(SEAMS))('whichever pods %s fails on, all others start one after another', (_, partsFor) => {
  fc.assert(
    fc.property(fc.subarray(UIDS), fc.shuffledSubarray(UIDS, { minLength: UIDS.length }), (bad, order) => {
      const poison = new Set(bad)
      // Nobody waits for a workload that is not there for longer than this.
      const afterMs = 700_000
      const ledger = new Ledger(settings, partsFor(poison))
      ledger.upsertNode(madeNode())
      for (const uid of order) {
        const pod = podOf(uid)
        ledger.upsertPod(pod)
        const ticket = ticketOf(pod, { gate: 'startgate-start', attempt: 1 })
        if (!('refused' in ticket)) ledger.ask(ticket, 0)
      }
      ledger.step(0, 1)
      const started = new Set<string>()
      const troubled = new Set<string>()
      let [nowMs, wakeAtMs] = [afterMs, afterMs]
      for (let turn = 0; turn < 200; turn++) {
        nowMs = Math.max(nowMs, Math.min(wakeAtMs, nowMs + 200_000))
        const { grants, troubles, failure, ...step } = ledger.step(nowMs, 1)
        wakeAtMs = step.wakeAtMs ?? nowMs + 200_000
        expect(failure).toBeUndefined()
        for (const { podUid } of troubles) troubled.add(podUid)
        for (const { podUid, key } of grants) {
          started.add(podUid)
          ledger.withdraw(key)
          ledger.upsertPod(readyPod(podUid))
        }
      }
      expect(UIDS.filter(uid => !poison.has(uid) && !started.has(uid))).toEqual([])
      expect([...troubled].filter(uid => !poison.has(uid))).toEqual([])
      expect(ledger.usage().filter(({ held }) => held > 0 && !poison.size)).toEqual([])
    }),
    { numRuns: 60 },
  )
})

test('a fault that no single pod explains is told, and what else the step came to stands', () => {
  const ledger = new Ledger(settings, {
    usage: new (class extends Usage {
      override debt(): number {
        throw new Error('broken')
      }
    })(),
  })
  for (const uid of ['a', 'b']) {
    ledger.upsertPod(madePod(uid))
    ledger.ask(ticketOf(madePod(uid), { gate: 'startgate-start', attempt: 1 }) as Ticket, 0)
  }
  ledger.adopt(grantFor('z'), 0)
  ledger.removePod('z')
  const { releases, grants, troubles, failure } = ledger.step(1, 1)
  expect([releases.map(({ reason }) => reason), grants, troubles]).toEqual([['PodGone'], [], []])
  expect(failure).toEqual(new Error('broken'))
})

test('what is set aside for its own sake is tried ever more rarely, up to a minute', () => {
  const setAsides = new SetAsides()
  const ticket = { podUid: 'u', key: 'start.u.1' }
  let nowMs = 0
  const waits = Array.from({ length: 8 }, () => {
    setAsides.add(ticket, { kind: 'error', reason: 'x' }, nowMs)
    const waitMs = (setAsides.wakeAtMs(nowMs) ?? 0) - nowMs
    nowMs += waitMs
    return waitMs / 1_000
  })
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
})

test('a pod that claims run after run is remembered in few of them', () => {
  const setAsides = new SetAsides()
  for (let run = 1; run <= 100_000; run++)
    setAsides.add({ podUid: 'u', key: `start.u.${run}` }, { kind: 'error', reason: 'x' }, 0)
  const isKept = (run: number) => setAsides.isQuiet(`start.u.${run}`)
  expect([isKept(1), isKept(99_900), isKept(99_901), isKept(100_000)]).toEqual([false, false, true, true])
})

const last = (heard: GateMessage[]): string | undefined => heard.at(-1)?.kind

test('a pod whose Lease is refused is told of by an Event, hears nothing more, and leaves its slot to the next', async () => {
  const { api, service, ask, events } = madeService([madePod('bad'), madePod('good')])
  const create = api.createLease.bind(api)
  api.createLease = async lease => {
    if (lease.metadata.name?.includes('bad'))
      throw new KubeError('annotations: Too long', { status: 422, reason: 'Invalid' })
    return create(lease)
  }
  await service.startLeading(1)
  const bad = await ask('bad')
  await quiet()
  const good = await ask('good')
  await quiet()
  const told = events.map(({ reason, regarding, note }) => [reason, regarding.name, note.includes('Too long')])
  expect([last(good), bad, told]).toEqual(['granted', [], [['StartgateSetAside', 'bad', true]]])
})
