import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import type { AgentMessage, GateMessage } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import { systemTimers } from '../../../core/timers.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { RefusedError } from '../model/refusal.ts'
import type { StartedCondition } from '../pods/started-condition.ts'
import { type EventInput, Reporter } from '../report/event-reporter.ts'
import { createKubernetesStore } from '../store/lease-store.kubernetes.ts'
import { MemoryLeaseApi } from '../store/lease-store.memory.ts'
import { silentMetrics } from '../testing/made-pods.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { Replica } from './replica.ts'

const clock = { wallMs: () => 0, monotonicMs: () => performance.now() }
const identity = { namespace: 'shop', podName: 'shop-0', podUid: 'u1' }

function setUp(pods: Pod[], isLeader = true) {
  const events: EventInput[] = []
  const conditions: StartedCondition[] = []
  const store = createKubernetesStore(new MemoryLeaseApi(), 'startgate-system')
  const service = new Replica({
    address: '192.0.2.1:8443',
    store,
    settings: { ...DEFAULT_SETTINGS, startTimeoutMs: 60_000 },
    confirmTerm: async () => true,
    onTermLost: () => undefined,
    getPod: async () => pods[0],
    findWorkload: () => 'Absent',
    conditions: { put: (_, condition) => void conditions.push(condition), removePod: () => undefined },
    metrics: silentMetrics(),
    reporter: new Reporter({
      record: event => void events.push(event),
      failedOpen: () => undefined,
      clock,
      waitingEventAfterMs: 0,
      findWorkload: () => 'Absent',
    }),
    election: {
      isLeader: () => isLeader,
      leader: () => ({ address: '192.0.2.1:1', term: 4 }),
      isChanging: () => false,
    },
    facts: { pods: () => pods, nodes: () => [{ metadata: { name: 'n' } }] },
    clock,
    timers: systemTimers,
    random: () => 0,
    log: pino({ level: 'silent' }),
  })
  const gate = (name: GateName) => {
    const { promise, resolve } = Promise.withResolvers<GateMessage>()
    const stream = { nonce: 'nonce-0001', isOpen: () => true, send: () => undefined, end: resolve }
    return service
      .connect(identity, name, { podUid: 'u1', attempt: 1, nonce: stream.nonce }, stream)
      .then(() => promise)
  }
  const agent = async () => {
    const heard: AgentMessage[] = []
    const stream = {
      isOpen: () => true,
      send: (m: AgentMessage) => void heard.push(m),
      end: (m: AgentMessage) => void heard.push(m),
    }
    await service.connectAgent(identity, { podUid: 'u1', attempt: 1, nonce: 'nonce-0002', reports: [] }, stream)
    return heard
  }
  return { service, store, events, conditions, gate, agent }
}

const gateEnd = (name: string): ContainerStatus => ({
  name,
  ready: true,
  restartCount: 0,
  containerID: `${name}-1`,
  state: { terminated: { exitCode: 0, containerID: `${name}-1`, finishedAt: '2026-01-01T00:00:10Z' } },
})
const running: ContainerStatus = {
  name: 'db',
  ready: true,
  started: true,
  restartCount: 0,
  containerID: 'db-1',
  state: { running: { startedAt: '2026-01-01T00:00:12Z' } },
}

test('a stage is granted, its agent hears of the container, and its word gives the slot back', async () => {
  const { service, store, conditions, gate, agent } = setUp([sequencedPod()])
  await service.startLeading(1)
  const heard = await agent()
  expect(await gate('startgate-start-db')).toEqual({
    kind: 'granted',
    nonce: 'nonce-0001',
    lease: 'start.u1.1.startgate-start-db',
    storedMs: expect.any(Number),
  })
  const initContainerStatuses = [gateEnd('startgate-pull'), gateEnd('startgate-start-db'), running]
  service.podChanged({ ...sequencedPod(), status: { initContainerStatuses } })
  expect(heard.map(m => (m.kind === 'containers' ? m.containers.db?.state : m.kind))).toEqual(['waiting', 'running'])
  await service.report(identity, {
    podUid: 'u1',
    attempt: 1,
    reports: [{ container: 'db', state: 'ready', status: 'Up' }],
  })
  await vi.waitFor(async () => expect((await store.list()).stored).toEqual([]))
  expect(conditions.at(-1)?.message).toBe('cache waits for a start slot; web, log wait for cache (started)')
  service.stopLeading()
  expect(heard.at(-1)).toMatchObject({ kind: 'retry' })
})

test('an agent is shown the way by a replica that does not lead, and its reports are refused there', async () => {
  const { service, agent } = setUp([sequencedPod()], false)
  expect(await agent()).toEqual([{ kind: 'leader', address: '192.0.2.1:1', term: 4 }])
  const report = service.report(identity, { podUid: 'u1', attempt: 1, reports: [] })
  await expect(report).rejects.toMatchObject({ code: 'NOT_LEADER', status: 503 })
})

test('a plain pod has no agent', async () => {
  const plain = sequencedPod()
  const { service, agent } = setUp([{ ...plain, spec: { ...plain.spec, initContainers: [] } }])
  await service.startLeading(1)
  await expect(agent()).rejects.toThrow(RefusedError)
  service.stopLeading()
})
