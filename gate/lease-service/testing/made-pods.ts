import { INJECTION_LABEL } from '../../../core/names.ts'
import type { Namespace, Node, Pod } from '../../../core/pod.ts'
import { createMetrics, type ServiceMetrics } from '../report/metrics.ts'

/** Test support: a gated pod on node `worker-1` of namespace `shop`, with one probed container. */
export function madePod(name: string, status: Pod['status'] = { phase: 'Pending' }): Pod {
  return {
    metadata: {
      uid: name,
      name,
      namespace: 'shop',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'startgate.dev/gated': 'true' },
    },
    spec: {
      nodeName: 'worker-1',
      initContainers: [{ name: 'startgate-start' }],
      containers: [{ name: 'app', readinessProbe: {} }],
    },
    status,
  }
}

/** The same once its gate has let it go and its container is ready. */
export function madeReadyPod(name: string): Pod {
  const gate = { name: 'startgate-start', ready: true, restartCount: 0, containerID: 'g1' }
  const app = { name: 'app', ready: true, restartCount: 0, containerID: 'c1', state: { running: {} } }
  return madePod(name, {
    phase: 'Running',
    initContainerStatuses: [{ ...gate, state: { terminated: { exitCode: 0, containerID: 'g1' } } }],
    containerStatuses: [app],
  })
}

export function madeNode(): Node {
  return {
    metadata: { name: 'worker-1' },
    status: { capacity: { cpu: '2' }, conditions: [{ type: 'Ready', status: 'True' }] },
  }
}

export function madeNamespace(annotations: Record<string, string>): Namespace {
  return { metadata: { name: 'shop', uid: 'shop-uid', labels: { [INJECTION_LABEL]: 'enabled' }, annotations } }
}

/** Metrics that nobody reads. */
export function silentMetrics(): ServiceMetrics {
  const zero = () => 0
  return createMetrics({
    usage: () => [],
    queueLengths: () => [],
    streams: zero,
    isLeading: () => true,
    eventsDropped: zero,
    watchAgeSeconds: zero,
    pressures: () => [],
    autoLimits: () => [],
    badAnnotations: () => [],
    hasNamespace: () => true,
  })
}
