export type Json = Record<string, unknown>

/** For tests and benches: the chart's `config.json` as its values make it, with a little of everything. */
export function goodConfig() {
  return {
    image: 'registry.example/startgate:1',
    imagePullPolicy: 'IfNotPresent',
    namespace: 'startgate-system',
    leaseService: {
      name: 'startgate-lease-service',
      port: 443,
      listenPort: 8443,
      serverName: 'startgate-lease-service.startgate-system.svc',
      writeConditions: true,
    },
    webhook: {
      name: 'startgate-webhook',
      configurationName: 'startgate',
      listenPort: 8443,
      certificateSecret: 'startgate-webhook-certificates',
      allowOptOut: true,
      clientCa: null,
    },
    metrics: { listenPort: 8444, authorization: true },
    certificateProvider: 'self',
    certificateSecret: 'startgate-certificates',
    caSecret: 'startgate-ca',
    skippedNamespaces: ['kube-system', 'startgate-system'],
    after: [],
    sequence: { gates: 'auto' },
    failOpenAfter: '60s',
    failOpenJitter: '5m',
    runAsUser: 65532,
    limits: {
      cluster: { maxStarting: null, maxPulling: null, maxStartRate: '10/s', minStartRate: null },
      node: {
        maxStarting: null,
        maxStartingPerCore: 0.5,
        maxPulling: 1,
        maxPressure: { cpu: 60, io: null, memory: null },
      },
      nodePools: [
        {
          selector: { matchLabels: { pool: 'spot' } },
          maxStarting: 2,
          maxStartingPerCore: null,
          maxPulling: null,
          maxPressure: { cpu: null, io: 30, memory: null },
        },
      ],
      registries: { 'docker.io': 5 },
      pullRamp: false,
      namespaceShare: 0.75,
      maxWait: null,
      allowFloor: false,
      allowWeight: false,
    },
    startTimeout: '2m',
    maxStartTimeout: '10m',
    pullTimeout: '15m',
    settleTime: '5s',
    waitingEventAfter: '30s',
    lameDuck: '15s',
    logLevel: 'info',
  }
}
