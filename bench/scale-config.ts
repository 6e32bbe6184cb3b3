/** The chart's `config.json` for a lease service of the bench. */
export function scaleConfig(listenPort: number): object {
  return {
    image: 'registry.example/startgate:1',
    imagePullPolicy: 'IfNotPresent',
    namespace: 'startgate-system',
    leaseService: {
      name: 'startgate-lease-service',
      port: 443,
      listenPort,
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
    // Each replica has its own, as it would in a pod.
    metrics: { listenPort: listenPort + 10, authorization: true },
    certificateProvider: 'self',
    certificateSecret: 'startgate-certificates',
    caSecret: 'startgate-ca',
    skippedNamespaces: ['kube-system', 'startgate-system'],
    failOpenAfter: '60s',
    failOpenJitter: '5m',
    runAsUser: 65532,
    limits: {
      cluster: { maxStarting: null, maxPulling: null, maxStartRate: null, minStartRate: null },
      node: {
        maxStarting: null,
        maxStartingPerCore: null,
        maxPulling: 1,
        maxPressure: { cpu: null, io: null, memory: null },
      },
      registries: {},
      namespaceShare: 1,
      maxWait: null,
      allowFloor: false,
      allowWeight: false,
    },
    startTimeout: '2m',
    maxStartTimeout: '10m',
    pullTimeout: '15m',
    settleTime: '5s',
    waitingEventAfter: '1h',
    lameDuck: '1s',
    logLevel: 'info',
  }
}
