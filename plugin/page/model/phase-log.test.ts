import { expect, test } from 'vitest'
import type { ContainerPhase } from '../../../core/state-rows.ts'
import { AT_MS, madeContainer, madeGate, madeSequenced, madeState } from '../../testing/made-state.ts'
import { type PhaseLog, phasesAfter } from './phase-log.ts'
import { podChoices, podOf } from './pod.ts'

const waitsForDb = [{ container: 'db', condition: 'ready' as const }]

function podWith(db: ContainerPhase, web: ContainerPhase) {
  return madeSequenced('shop-0', [
    madeContainer('db', { phase: db, blocks: db === 'ready' ? [] : ['web'] }),
    madeContainer('web', { phase: web, waitsFor: web === 'blocked' ? waitsForDb : [] }),
  ])
}

/** The log after these states, one a second. */
function logOf(...states: [db: ContainerPhase, web: ContainerPhase][]): PhaseLog {
  return states.reduce<PhaseLog>(
    (log, [db, web], i) => phasesAfter(log, madeState({ atMs: AT_MS + i * 1_000, pods: [podWith(db, web)] })),
    new Map(),
  )
}

const ID = 'shop/shop-0/shop-0'

test('each change of a phase is noted with its time; a phase that goes on is one span', () => {
  const log = logOf(['pending', 'blocked'], ['starting', 'blocked'], ['starting', 'blocked'], ['ready', 'starting'])
  expect(Object.fromEntries(log.get(ID)?.spans ?? [])).toEqual({
    db: [
      { phase: 'pending', fromMs: AT_MS, toMs: AT_MS + 1_000 },
      { phase: 'starting', fromMs: AT_MS + 1_000, toMs: AT_MS + 3_000 },
      { phase: 'ready', fromMs: AT_MS + 3_000 },
    ],
    web: [
      { phase: 'blocked', fromMs: AT_MS, toMs: AT_MS + 3_000 },
      { phase: 'starting', fromMs: AT_MS + 3_000 },
    ],
  })
})

test('at first sight the gate’s wait and the container’s start tell since when', () => {
  const gate = madeGate('shop-0', { gate: 'startgate-start-db', sinceMs: AT_MS - 20_000 })
  const web = madeContainer('web', { phase: 'starting', startedAtMs: AT_MS - 5_000 })
  const pod = madeSequenced('shop-0', [madeContainer('db', { phase: 'pending' }), web])
  const spans = phasesAfter(new Map(), madeState({ pods: [pod], waiting: [gate] })).get(ID)?.spans
  expect([spans?.get('db')?.[0]?.fromMs, spans?.get('web')?.[0]?.fromMs]).toEqual([AT_MS - 20_000, AT_MS - 5_000])
})

test('a dependency that is met stays in the picture as met', () => {
  const edge = { from: 'db', to: 'web', condition: 'ready' }
  expect(logOf(['starting', 'blocked']).get(ID)?.edges).toEqual([{ ...edge, isMet: false }])
  expect(logOf(['starting', 'blocked'], ['ready', 'pending']).get(ID)?.edges).toEqual([{ ...edge, isMet: true }])
})

test('a pod that is told of no more keeps its record and says so; one that comes back goes on', () => {
  const log = logOf(['starting', 'blocked'])
  const gone = phasesAfter(log, madeState({ atMs: AT_MS + 5_000 }))
  expect(gone.get(ID)?.goneAtMs).toBe(AT_MS + 5_000)
  const view = podOf(madeState(), gone, { namespace: 'shop', pod: 'shop-0' }, AT_MS + 9_000)
  expect(view?.says).toBe('All of its containers are past starting, or the pod is gone.')
  expect(view?.lanes[0]?.spans.at(-1)?.toMs).toBe(AT_MS + 5_000)
  expect(podChoices(madeState(), gone, 'shop-0').map(({ what }) => what)).toEqual(['past starting, or gone'])
  const back = phasesAfter(gone, madeState({ pods: [podWith('starting', 'blocked')] }))
  expect(back.get(ID)?.goneAtMs).toBeUndefined()
})

test('nothing changed: the same record', () => {
  const pods = [podWith('starting', 'blocked')]
  const log = phasesAfter(new Map(), madeState({ pods }))
  expect(phasesAfter(log, madeState({ pods, atMs: AT_MS + 1_000 })).get(ID)).toBe(log.get(ID))
})

test('a pod’s view names who holds the others up', () => {
  const log = logOf(['starting', 'blocked'])
  const pods = [podWith('starting', 'blocked')]
  const view = podOf(madeState({ pods }), log, { namespace: 'shop', pod: 'shop-0' }, AT_MS)
  expect(view?.says).toBe('0 of 2 containers are ready. The others wait for db (starting).')
  expect(view?.containers.map(row => [row.name, row.words, row.waitsFor, row.blocks])).toEqual([
    ['db', 'starting', '', 'web'],
    ['web', 'blocked', 'db (ready)', ''],
  ])
  expect(podOf(madeState(), new Map(), { namespace: 'shop', pod: 'none' }, AT_MS)).toBeUndefined()
})
