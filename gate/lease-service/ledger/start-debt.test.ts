import { beforeEach, describe, expect, test } from 'vitest'
import type { Container, ContainerStatus, Pod } from '../../../core/pod.ts'
import { madePod } from '../testing/made-pods.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { type DebtFacts, StartDebts, startsOf } from './start-debt.ts'

const WALL_MS = Date.parse('2026-01-01T12:00:00Z')
const STARTED_AT = '2026-01-01T12:00:00Z'

function pod(app: Partial<ContainerStatus>, container: Partial<Container> = { readinessProbe: {} }): Pod {
  const made = madePod('p', {
    containerStatuses: [{ name: 'app', ready: false, restartCount: 0, ...app }],
  })
  return { ...made, spec: { ...made.spec, containers: [{ name: 'app', ...container }] } }
}

const running = (id: string, ready = false, startedAt = STARTED_AT): Partial<ContainerStatus> => ({
  containerID: id,
  ready,
  state: { running: { startedAt } },
})

const factsOf = (shown: Pod, fields: Partial<DebtFacts> = {}): DebtFacts => ({
  pod: shown,
  holding: new Set(),
  isExempt: false,
  reports: undefined,
  settleMs: 5_000,
  startTimeoutMsOf: () => 60_000,
  ...fields,
})

const at = (ms: number) => ({ ms, wallMs: WALL_MS + ms })
const owing = (facts: DebtFacts, ms = 0) => startsOf(undefined, facts, at(ms)).owing

describe('who owes', () => {
  const cases: Record<string, { facts: DebtFacts; want: string[] }> = {
    'a container that runs, is not ready and holds no slot': { facts: factsOf(pod(running('a'))), want: ['app'] },
    'not one that holds a slot': { facts: factsOf(pod(running('a')), { holding: new Set(['app']) }), want: [] },
    'not one that is ready': { facts: factsOf(pod(running('a', true))), want: [] },
    'not one that waits in back-off': { facts: factsOf(pod({ state: { waiting: {} } })), want: [] },
    'not in a namespace that is off, nor on a lost node': {
      facts: factsOf(pod(running('a')), { isExempt: true }),
      want: [],
    },
    'not one that ran for hours before anybody looked': {
      facts: factsOf(pod(running('a', false, '2026-01-01T08:00:00Z'))),
      want: [],
    },
    'a container without probes, until it has settled': { facts: factsOf(pod(running('a'), {})), want: ['app'] },
    'not of a pod that is being deleted': {
      facts: factsOf({ ...pod(running('a')), metadata: { deletionTimestamp: STARTED_AT } }),
      want: [],
    },
  }
  test.each(Object.entries(cases))('%s', (_, { facts, want }) => {
    expect(owing(facts)).toEqual(want)
  })

  test('a restart seen as it happens, by however wrong a clock', () => {
    const first = startsOf(undefined, factsOf(pod(running('a', true))), at(0))
    const restarted = factsOf(pod(running('b')))
    expect(startsOf(first.runs, restarted, { ms: 1_000, wallMs: WALL_MS + 3_600_000 }).owing).toEqual(['app'])
  })

  test('until its start timeout', () => {
    const { runs, changesAtMs } = startsOf(undefined, factsOf(pod(running('a'))), at(0))
    expect(changesAtMs).toBe(60_000)
    expect(startsOf(runs, factsOf(pod(running('a'))), at(60_000)).owing).toEqual([])
  })

  test('not any more once it was ready under its container ID, whatever comes later', () => {
    const { runs } = startsOf(undefined, factsOf(pod(running('a', true))), at(0))
    expect(startsOf(runs, factsOf(pod(running('a', false))), at(1_000)).owing).toEqual([])
    expect(startsOf(runs, factsOf(pod(running('b', false))), at(1_000)).owing).toEqual(['app'])
  })

  test("a notifying container until its agent's word, on this very run", () => {
    const db = { name: 'db', restartCount: 0, ready: true, ...running('db-2', true) }
    const shown = { ...sequencedPod(), status: { initContainerStatuses: [db] } }
    const told = (containerId: string) => new Map([['db', { container: 'db', containerId, state: 'ready' as const }]])
    expect(owing(factsOf(shown))).toEqual(['db'])
    expect(owing(factsOf(shown, { reports: told('db-1') }))).toEqual(['db'])
    expect(owing(factsOf(shown, { reports: told('db-2') }))).toEqual([])
  })
})

describe('debts of all pods', () => {
  let owed: Map<string, number>
  let debts: StartDebts
  let shown: Pod
  beforeEach(() => {
    owed = new Map()
    debts = new StartDebts(({ podUid, nodeName }, slots) => owed.set(`${podUid} ${nodeName}`, slots))
    shown = pod(running('a'))
  })
  const settle = (ms: number) => debts.settle(at(ms), () => factsOf(shown), expect.fail)

  test('are looked at again when facts change or time is up', () => {
    debts.touch('p')
    settle(0)
    expect(owed.get('p worker-1')).toBe(1)
    expect(debts.wakeAtMs()).toBe(60_000)
    settle(60_000)
    expect(owed.get('p worker-1')).toBe(0)
    expect(debts.wakeAtMs()).toBeUndefined()
  })

  test('go with their pod', () => {
    debts.touch('p')
    settle(0)
    debts.removePod('p')
    expect(owed.get('p worker-1')).toBe(0)
  })
})
