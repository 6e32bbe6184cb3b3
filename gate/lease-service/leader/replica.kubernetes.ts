import { type Clock, loopIdleMs } from '../../../core/clock.ts'
import type { ClusterConfig } from '../../../core/cluster-config.ts'
import { limitConcurrency } from '../../../core/concurrency.ts'
import { createKubeClient, type KubeClient } from '../../../core/kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../../core/kube/events.ts'
import { isNotFound, orUndefined } from '../../../core/kube/kube-error.ts'
import { createLeaderElector, type LeaderElector } from '../../../core/kube/leader-elector.ts'
import type { Logger } from '../../../core/log.ts'
import { ELECTION_LEASE } from '../../../core/names.ts'
import { labelsAskedFor } from '../../../core/node-pool.ts'
import { systemTimers as timers } from '../../../core/timers.ts'
import { Workloads } from '../after/workload-watches.ts'
import { settingsOf } from '../limits/settings-from-config.ts'
import { patchCondition } from '../report/condition-patch.ts'
import { ConditionWriter, NO_CONDITIONS } from '../report/condition-writer.ts'
import { Reporter } from '../report/event-reporter.ts'
import { createMetrics, type ServiceMetrics } from '../report/metrics.ts'
import { createAutoStore } from '../store/auto-store.ts'
import { createKubernetesStore } from '../store/lease-store.kubernetes.ts'
import { keepLeading } from './keep-leading.ts'
import { Replica } from './replica.ts'
import { INSTANCE_TYPE } from './term-autos.ts'
import { createWatches } from './watches.ts'

type Watches = ReturnType<typeof createWatches>

export interface KubernetesReplicaOptions {
  client: KubeClient
  config: ClusterConfig
  /** Where gates find this replica (host:port), and what it is called in the election. */
  me: { address: string; identity: string }
  clock: Clock
  log: Logger
}

export interface KubernetesReplica {
  service: Replica
  watches: Watches
  elector: LeaderElector
  events: EventRecorder
  metrics: ServiceMetrics
  /** Takes part in the election: to be called when gates are served. */
  start(): void
}

const PRUNE_MS = 60_000
const LOOK_MS = 1_000

/** A replica of the lease service on a cluster, with what it reads there and writes there. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: wiring only.
export function createKubernetesReplica({
  client,
  config,
  me,
  clock,
  log,
}: KubernetesReplicaOptions): KubernetesReplica {
  const { random } = Math
  const watches = createWatches(client, log, {
    service: () => service,
    maxStartTimeoutMs: config.maxStartTimeoutMs,
    nodeLabels: new Set([...labelsAskedFor(config.limits.nodePools), INSTANCE_TYPE]),
  })
  const events = createEventRecorder({ client, component: 'startgate-lease-service', clock, log })
  const metrics = metricsOf({ service: () => service, events, watches })
  const lead = keepLeading({ service: () => service, elector: () => elector, log })
  const elector = createLeaderElector({
    // Of its own: behind ten thousand token reviews a renewal would come too late.
    client: createKubeClient(),
    namespace: config.namespace,
    name: ELECTION_LEASE,
    ...me,
    clock,
    random,
    log,
    onStartedLeading: () => void lead(),
    onStoppedLeading: () => service.stopLeading(),
  })
  const workloadsDeps = { client, onChange: () => service.workloadChanged(), clock, random, log }
  const workloads = new Workloads(workloadsDeps, config.after)
  // Of their own: behind reviews of a herd's tokens, slots of pods that are gone would not come back.
  const fewPods = limitConcurrency(16)
  const service: Replica = new Replica({
    address: me.address,
    store: createKubernetesStore(client, config.namespace),
    // Figures come from nodes' waiters only.
    ...(config.nodeWaiter && { newAutoStore: () => createAutoStore(client, config.namespace) }),
    settings: settingsOf(config),
    confirmTerm: () => elector.confirmTerm(),
    findWorkload: workloads.find,
    conditions: config.leaseService.writeConditions
      ? new ConditionWriter({ transport: client.transport, clock, log })
      : NO_CONDITIONS,
    ...(config.leaseService.writeConditions && {
      writeWaiting: (pod, condition) => patchCondition({ transport: client.transport, log }, pod, condition),
    }),
    random,
    onTermLost: reason => {
      log.warn({ term: elector.term() }, reason)
      service.stopLeading()
    },
    getPod: (namespace, name) =>
      fewPods(async () => watches.read(await client.getPod(namespace, name).catch(orUndefined(isNotFound)))),
    election: elector,
    facts: { pods: () => watches.pods.values(), nodes: () => watches.nodes.values() },
    metrics,
    reporter: new Reporter({
      record: event => events.record(event),
      failedOpen: (namespace, gate) => metrics.failedOpen(namespace, gate),
      clock,
      waitingEventAfterMs: config.waitingEventAfterMs,
      findWorkload: workloads.find,
    }),
    clock,
    timers,
    loopIdleMs,
    log,
  })
  setInterval(() => watches.shrink(), PRUNE_MS).unref()
  setInterval(() => workloads.prune(), PRUNE_MS).unref()
  const start = (): void => {
    elector.start()
    setInterval(() => void lead(), LOOK_MS)
  }
  return { service, watches, elector, events, metrics, start }
}

interface Measured {
  /** Made after its metrics, which it counts with. */
  service: () => Replica
  events: EventRecorder
  watches: Watches
}

function metricsOf({ service, events, watches }: Measured): ServiceMetrics {
  return createMetrics({
    usage: () => service().view.usage(),
    queueLengths: () => service().view.queueLengths(),
    streams: () => service().view.streamCount(),
    isLeading: () => service().isLeading,
    eventsDropped: () => events.counts().dropped,
    watchAgeSeconds: () => watches.ageMs() / 1000,
    pressures: () => service().view.pressures(),
    autoLimits: () => service().view.autoLimits(),
    badAnnotations: () => service().view.badAnnotations(),
    hasNamespace: name => service().hasNamespace(name),
  })
}
