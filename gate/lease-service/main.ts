import { randomUUID } from 'node:crypto'
import type { Server } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { startCertificateSource } from '../../certs/source.ts'
import { kubernetesSecretReader } from '../../certs/store.ts'
import { systemClock as clock } from '../../core/clock.ts'
import type { ClusterConfig } from '../../core/cluster-config.ts'
import { limitConcurrency } from '../../core/concurrency.ts'
import { messageOf } from '../../core/errors.ts'
import { createKubeClient } from '../../core/kube/client.ts'
import { createEventRecorder } from '../../core/kube/events.ts'
import { isNotFound } from '../../core/kube/kube-error.ts'
import { createLeaderElector } from '../../core/kube/leader-elector.ts'
import { listenHost } from '../../core/listen-host.ts'
import type { Logger } from '../../core/log.ts'
import { ELECTION_LEASE, TOKEN_AUDIENCE } from '../../core/names.ts'
import { runProgram } from '../../core/run-program.ts'
import { serveMetrics } from '../../core/serve-metrics.ts'
import { servingTls } from '../../core/serving-tls.ts'
import { systemTimers as timers } from '../../core/timers.ts'
import { Workloads } from './after/workload-watches.ts'
import { createIdentityCache } from './http/identity-cache.ts'
import { BACKLOG, buildServer } from './http/server.ts'
import { LeaseService } from './leader/replica.ts'
import { createWatches } from './leader/watches.ts'
import { settingsOf } from './limits/settings-from-config.ts'
import { ConditionWriter, NO_CONDITIONS } from './report/condition-writer.ts'
import { Reporter } from './report/event-reporter.ts'
import { createMetrics } from './report/metrics.ts'
import { createKubernetesStore } from './store/lease-store.kubernetes.ts'

const PRUNE_MS = 60_000

async function main(config: ClusterConfig, log: Logger): Promise<void> {
  const client = createKubeClient()
  const watches = createWatches(client, log, { service: () => service, maxStartTimeoutMs: config.maxStartTimeoutMs })
  setInterval(() => watches.shrink(), PRUNE_MS).unref()
  const events = createEventRecorder({ client, component: 'startgate-lease-service', clock, log })
  const metrics = createMetrics({
    usage: () => service.usage(),
    queueLengths: () => service.queueLengths(),
    streams: () => service.streamCount(),
    isLeading: () => service.isLeading,
    eventsDropped: () => events.counts().dropped,
    watchAgeSeconds: () => watches.ageMs() / 1000,
    pressures: () => service.pressures(),
    badAnnotations: () => service.badAnnotations(),
    hasNamespace: name => service.hasNamespace(name),
  })
  const podIp = process.env.POD_IP ?? '127.0.0.1'
  const address = `${podIp.includes(':') ? `[${podIp}]` : podIp}:${config.leaseService.listenPort}`
  const elector = createLeaderElector({
    // Of its own: behind ten thousand token reviews a renewal would come too late.
    client: createKubeClient(),
    namespace: config.namespace,
    name: ELECTION_LEASE,
    identity: `${process.env.POD_NAME ?? 'lease-service'}_${randomUUID()}`,
    address,
    clock,
    random: Math.random,
    log,
    onStartedLeading: () => void lead(),
    onStoppedLeading: () => service.stopLeading(),
  })
  const workloads = new Workloads({
    client,
    onChange: () => service.workloadChanged(),
    clock,
    random: Math.random,
    log,
  })
  setInterval(() => workloads.prune(), PRUNE_MS).unref()
  // Of their own: behind reviews of a herd's tokens, slots of pods that are gone would not come back.
  const fewPods = limitConcurrency(16)
  const service: LeaseService = new LeaseService({
    address,
    store: createKubernetesStore(client, config.namespace),
    settings: settingsOf(config),
    confirmTerm: () => elector.confirmTerm(),
    findWorkload: workloads.find,
    conditions: config.leaseService.writeConditions
      ? new ConditionWriter({ transport: client.transport, clock, log })
      : NO_CONDITIONS,
    random: Math.random,
    onTermLost: reason => {
      log.warn({ term: elector.term() }, reason)
      service.stopLeading()
    },
    getPod: (namespace, name) => fewPods(async () => watches.read(await orUndefined(client.getPod(namespace, name)))),
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
    log,
  })
  let isStarting = false
  /** Sees to it that who is elected serves, whatever became of earlier starts. */
  const lead = async (): Promise<void> => {
    if (isStarting || service.isLeading || !elector.isLeader()) return
    isStarting = true
    await service.startLeading(elector.term()).catch(error => {
      log.warn({ error: messageOf(error) }, 'cannot read the stored grants yet; granting nothing before')
    })
    isStarting = false
  }

  let draining = false
  let server: FastifyInstance | undefined
  const drain = async (): Promise<void> => {
    if (draining) return
    draining = true
    if (!server) process.exit(0)
    log.info('stopping: handing over first, then serving directions until nobody comes here any more')
    await elector.resign()
    await sleep(config.lameDuckMs)
    await Promise.race([Promise.all([server.close(), events.flush()]), sleep(2_000)])
    process.exit(0)
  }
  // Before anything is waited for: the first process of a container ignores signals that it does not listen for.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void drain())

  await watches.start()
  const certificates = startCertificateSource({
    secret: kubernetesSecretReader(client, { namespace: config.namespace, name: config.certificateSecret }),
    maker: config.certificateProvider === 'self' ? 'the webhook' : 'cert-manager',
    log,
  })
  const identity = await new Promise<{ certPem: string; keyPem: string }>(resolve => certificates.onChange(resolve))
  const https = buildServer({
    tls: servingTls(identity),
    identify: createIdentityCache({
      review: token => client.reviewToken(token, TOKEN_AUDIENCE),
      isShown: ({ namespace, podName, podUid }) => watches.pods.get(`${namespace}/${podName}`)?.metadata.uid === podUid,
      clock,
    }),
    connect: (pod, gate, request, stream) => {
      metrics.asked(request.version)
      return service.connect(pod, gate, request, stream)
    },
    connectAgent: (pod, request, stream) => {
      metrics.asked(request.version)
      return service.connectAgent(pod, request, stream)
    },
    report: (pod, request) => service.report(pod, request),
    takePressure: (pod, request) => service.takePressure(pod, request),
    isReady: () => !draining,
    refused: code => metrics.refused(code),
    log,
  })
  certificates.onChange(next => (https.server as unknown as Server).setSecureContext(servingTls(next)))
  server = https
  await serveMetrics({
    config,
    registry: metrics.registry,
    transport: client.transport,
    identity,
    onCertificate: certificates.onChange,
    clock,
    log,
  })
  await https.listen({ host: listenHost(), port: config.leaseService.listenPort, backlog: BACKLOG })
  log.info({ port: config.leaseService.listenPort }, 'serving gates')
  elector.start()
  setInterval(() => void lead(), 1_000)
}

async function orUndefined<T>(read: Promise<T>): Promise<T | undefined> {
  return read.catch(error => {
    if (isNotFound(error)) return undefined
    throw error
  })
}

await runProgram('lease-service', main)
