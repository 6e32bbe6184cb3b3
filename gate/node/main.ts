import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock as clock } from '../../core/clock.ts'
import type { ClusterConfig } from '../../core/cluster-config.ts'
import { InvalidValueError, instead } from '../../core/errors.ts'
import { hostPort } from '../../core/host-port.ts'
import type { Logger } from '../../core/log.ts'
import { TOKEN_DIRECTORY } from '../../core/names.ts'
import { runProgram } from '../../core/run-program.ts'
import { readPressure } from '../pod/node-pressure.ts'
import { createWaiterApi } from './api-server.ts'
import { readNode } from './figures-feed.ts'
import { createKeptCa } from './kept-ca.ts'
import { listenForGates } from './listen.ts'
import { createNodeWaiter } from './node-waiter.ts'
import { serviceLookup } from './service-lookup.ts'

/** Of the chart's DaemonSet: a token for the lease service, beside the one for the API server. */
const OWN_TOKEN_PATH = process.env.STARTGATE_WAITER_TOKEN ?? '/var/run/secrets/startgate/token'
/** Where the kubelet mounts a service account. */
const ACCOUNT = process.env.STARTGATE_ACCOUNT ?? TOKEN_DIRECTORY

// Nothing is lost by ending at once: gates connect again, and their places come from their pods.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0))

async function main(config: ClusterConfig, log: Logger): Promise<void> {
  if (!config.nodeWaiter)
    throw new InvalidValueError('nodeWaiter', undefined, instead('is missing', 'nodeWaiter.enabled: true'))
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443', NODE_NAME = '' } = process.env
  const api = createWaiterApi(
    {
      url: `https://${hostPort(host, Number(port))}`,
      caPem: readFileSync(join(ACCOUNT, 'ca.crt'), 'utf8'),
      tokenPath: join(ACCOUNT, 'token'),
    },
    config.webhook.configurationName,
  )
  const { serverName, port: servicePort } = config.leaseService
  const { server } = createNodeWaiter({
    nodeName: NODE_NAME,
    // The certificate's name is the Service's.
    address: `${serverName}:${servicePort}`,
    connection: {
      serverName,
      caPem: createKeptCa(api.readCa, () => clock.monotonicMs()),
      lookup: serviceLookup(process.env.STARTGATE_LEASE_SERVICE_SERVICE_HOST),
      token: async () => (await readFile(OWN_TOKEN_PATH, 'utf8')).trim(),
    },
    review: api.reviewToken,
    readPressure,
    readNode: () => readNode(clock.monotonicMs),
    clock,
    random: Math.random,
    newNonce: randomUUID,
  })
  const { port: listenPort } = config.nodeWaiter
  const address = await listenForGates(server, listenPort, process.env.HOST_IP)
  // Of one connection that could not be taken; all others are served.
  server.on('error', error => log.error({ error: error.message }, 'cannot take a connection'))
  log.info({ node: NODE_NAME, address, port: listenPort }, 'waiting for the gates of this node')
}

await runProgram('node-waiter', main)
