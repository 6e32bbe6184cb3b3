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
      node: { maxStarting: null, maxStartingPerCore: null, maxPulling: 1, maxPressure },
      registries: {},
      namespaceShare: 1,
    },
    waitingEventAfter: '1h',
    lameDuck: '1s',
  }
}
