import { goodConfig } from '../core/testing/good-config.ts'

/** The chart's `config.json` for a lease service of the bench: no limits but one pull on each node. */
export function scaleConfig(listenPort: number): object {
  const good = goodConfig()
  const unlimited = { maxStarting: null, maxPulling: null, maxStartRate: null, minStartRate: null }
  const maxPressure = { cpu: null, io: null, memory: null }
  return {
    ...good,
    leaseService: { ...good.leaseService, listenPort },
    // Each replica has its own, as it would in a pod.
    metrics: { ...good.metrics, listenPort: listenPort + 10 },
    limits: {
      ...good.limits,
      cluster: unlimited,
      nodePools: [],
      node: { maxStarting: null, maxStartingPerCore: null, maxPulling: 1, maxPressure },
      registries: {},
      namespaceShare: 1,
    },
    waitingEventAfter: '1h',
    lameDuck: '1s',
  }
}

/** Of the API server at `server`. */
export function kubeconfig(server: string, caPem: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'bench', cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') } },
    ],
    users: [{ name: 'bench', user: { token: 'bench' } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    'current-context': 'bench',
  }
}
