import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { GateMessage } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { Pod } from '../../../core/pod.ts'
import type { Pressure } from '../../../core/pressure.ts'
import { systemTimers } from '../../../core/timers.ts'
import { Replica } from '../leader/replica.ts'
import type { ServiceDeps } from '../leader/replica-deps.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { type EventInput, Reporter } from '../report/event-reporter.ts'
import { createKubernetesStore } from '../store/lease-store.kubernetes.ts'
import { MemoryLeaseApi } from '../store/lease-store.memory.ts'
import { madeNode, silentMetrics } from './made-pods.ts'

/**
 * Test support: the service's real parts on Leases in memory, with a clock that the test moves and an election that it
 * decides.
 */
export function madeService(
  pods: Pod[] | Map<string, Pod>,
  node: ClusterSettings['node'] = { maxStarting: 1 },
  parts: Partial<ServiceDeps> = {},
  nodePools: ClusterSettings['nodePools'] = [],
) {
  const all = (): MapIterator<Pod> | ArrayIterator<Pod> => pods.values()
  const api = new MemoryLeaseApi()
  const events: EventInput[] = []
  const store = createKubernetesStore(api, 'startgate-system')
  const world = {
    nowMs: 1_000,
    isLeader: true,
    isChanging: false,
    leader: undefined as { address: string; term: number } | undefined,
    confirm: async () => true,
    beforeList: async () => undefined as unknown,
    lost: 0,
    node: madeNode(),
  }
  const clock = { monotonicMs: () => world.nowMs, wallMs: () => 1_700_000_000_000 + world.nowMs }
  const service = new Replica({
    address: '192.0.2.1:8443',
    store: {
      ...store,
      async list() {
        await world.beforeList()
        return store.list()
      },
    },
    settings: { ...DEFAULT_SETTINGS, node, nodePools },
    confirmTerm: () => world.confirm(),
    findWorkload: () => 'Absent',
    conditions: { put: () => undefined, removePod: () => undefined },
    onTermLost: () => {
      world.lost++
      service.stopLeading()
    },
    getPod: async (_namespace, name) => all().find(pod => pod.metadata.name === name),
    election: { isLeader: () => world.isLeader, leader: () => world.leader, isChanging: () => world.isChanging },
    facts: { pods: all, nodes: () => [world.node] },
    metrics: silentMetrics(),
    reporter: new Reporter({
      findWorkload: () => 'Absent',
      record: event => void events.push(event),
      failedOpen: () => undefined,
      clock,
      waitingEventAfterMs: 30_000,
    }),
    clock,
    timers: systemTimers,
    random: () => 0,
    log: pino({ level: 'silent' }),
    ...parts,
  })
  onTestFinished(() => service.stopLeading())
  const ask = async (
    name: string,
    {
      gate = 'startgate-start' as GateName,
      attempt = 1,
      pressure = {} as Pressure,
      hungUp = false,
      isShared = false,
    } = {},
  ): Promise<GateMessage[]> => {
    const heard: GateMessage[] = []
    const nonce = `nonce-of-${name}`
    const stream = {
      nonce,
      ...(isShared && { isShared }),
      isOpen: () => !hungUp,
      send: (message: GateMessage) => void heard.push(message),
      end: (message: GateMessage) => void heard.push(message),
    }
    await service.connect(
      { namespace: 'shop', podName: name, podUid: name },
      gate,
      { podUid: name, attempt, nonce, pressure },
      stream,
    )
    return heard
  }
  return { api, world, service, ask, events }
}

/** Lets everything happen that needs no time to pass. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await setImmediate()
}
