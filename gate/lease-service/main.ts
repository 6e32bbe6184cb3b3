import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { startCertificateSource } from '../../certs/source.ts'
import { kubernetesSecretReader } from '../../certs/store.ts'
import { systemClock as clock, threadCpuMs } from '../../core/clock.ts'
import type { ClusterConfig } from '../../core/cluster-config.ts'
import { endOnSignal } from '../../core/end-on-signal.ts'
import { hostPort } from '../../core/host-port.ts'
import { reviewStateReader } from '../../core/kube/access-review.ts'
import { createKubeClient } from '../../core/kube/client.ts'
import { isNotFound, orUndefined } from '../../core/kube/kube-error.ts'
import type { Logger } from '../../core/log.ts'
import { TOKEN_AUDIENCE } from '../../core/names.ts'
import { createReadAccess } from '../../core/read-access.ts'
import { runProgram } from '../../core/run-program.ts'
import { serveProgram } from '../../core/serve-program.ts'
import { systemTimers as timers } from '../../core/timers.ts'
import { VERSION } from '../../core/version.ts'
import { drain } from './http/drain.ts'
import { createIdentityCache } from './http/identity-cache.ts'
import { createNodeIdentity } from './http/node-identity.ts'
import { BACKLOG, buildServer } from './http/server.ts'
import { createStateRoutes } from './http/state-routes.ts'
import { createKubernetesReplica } from './leader/replica.kubernetes.ts'

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: wiring only.
async function main(config: ClusterConfig, log: Logger): Promise<void> {
  const client = createKubeClient()
  const podName = process.env.POD_NAME ?? 'lease-service'
  const me = {
    address: hostPort(process.env.POD_IP ?? '127.0.0.1', config.leaseService.listenPort),
    identity: `${podName}_${randomUUID()}`,
  }
  const replica = createKubernetesReplica({ client, config, me, clock, log })
  const { service, watches, elector, events, metrics } = replica
  const ending = endOnSignal((server: FastifyInstance) =>
    drain(server, {
      resign: () => elector.resign(),
      flushEvents: () => events.flush(),
      lameDuckMs: config.lameDuckMs,
      sleep,
      log,
    }),
  )
  await watches.start()
  const identify = createIdentityCache({
    review: token => client.reviewToken(token, TOKEN_AUDIENCE),
    isShown: ({ namespace, podName, podUid }) => watches.pods.get(`${namespace}/${podName}`)?.metadata.uid === podUid,
    clock,
  })
  await serveProgram({
    config,
    build: tls =>
      buildServer({
        tls,
        identify,
        ...(config.nodeWaiter && {
          identifyNode: createNodeIdentity({
            review: token => client.reviewToken(token, TOKEN_AUDIENCE),
            getPod: (namespace, name) => client.getPod(namespace, name).catch(orUndefined(isNotFound)),
            namespace: config.namespace,
            account: config.nodeWaiter.name,
          }),
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
        takeFigures: (nodeName, figures) => service.takeFigures(nodeName, figures),
        isReady: () => !ending.isDraining(),
        onNodeLink: isUp => metrics.nodeLink(isUp),
        refused: code => metrics.refused(code),
        log,
      }),
    certificates: startCertificateSource({
      secret: kubernetesSecretReader(client, { namespace: config.namespace, name: config.certificateSecret }),
      maker: config.certificateProvider === 'self' ? 'the webhook' : 'cert-manager',
      log,
    }),
    registry: metrics.registry,
    transport: client.transport,
    other: createStateRoutes({
      ...{ version: VERSION, pod: podName, clock, cpuMs: threadCpuMs, timers, log },
      facts: now => service.view.facts(now),
      leader: () => service.directions(),
      authorize: createReadAccess(
        (token, namespace) => reviewStateReader(client.transport, token, namespace),
        () => clock.monotonicMs(),
      ),
    }),
    listen: { port: config.leaseService.listenPort, backlog: BACKLOG },
    ending,
    clock,
    log,
  })
  log.info({ port: config.leaseService.listenPort }, 'serving gates')
  replica.start()
}

await runProgram('lease-service', main)
