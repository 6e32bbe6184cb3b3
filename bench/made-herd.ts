import type { Node, Pod } from '../core/pod.ts'

const NODES = 200
const NAMESPACES = 50

/** Gated pods on 200 nodes, or as many as are told, in 50 namespaces, each with one probed container. */
export function madeHerd(count: number, nodes = NODES): Pod[] {
  return Array.from({ length: count }, (_, i) => ({
    metadata: {
      uid: `pod-${i}`,
      name: `pod-${i}`,
      namespace: `namespace-${i % NAMESPACES}`,
      // Scattered, so that sorting has work to do.
      creationTimestamp: new Date(1_767_225_600_000 + ((i * 7919) % 100_003) * 1_000).toISOString(),
      labels: { 'startgate.dev/gated': 'true' },
    },
    spec: {
      nodeName: `node-${i % nodes}`,
      initContainers: [{ name: 'startgate-start' }],
      containers: [{ name: 'app', readinessProbe: {} }],
    },
    status: { phase: 'Pending' },
  }))
}

export function madeNodes(nodes = NODES): Node[] {
  return Array.from({ length: nodes }, (_, i) => ({
    metadata: { name: `node-${i}` },
    status: { capacity: { cpu: '8' }, conditions: [{ type: 'Ready', status: 'True' }] },
  }))
}

/** The pod once its gate has let it go, as the kubelet would show it. */
export function startedPod(pod: Pod, isReady: boolean): Pod {
  const id = pod.metadata.uid ?? ''
  const gate = {
    name: 'startgate-start',
    ready: true,
    restartCount: 0,
    containerID: `gate-${id}`,
    state: { terminated: { exitCode: 0, containerID: `gate-${id}` } },
  }
  const app = { name: 'app', ready: isReady, restartCount: 0, containerID: `app-${id}`, state: { running: {} } }
  return { ...pod, status: { phase: 'Running', initContainerStatuses: [gate], containerStatuses: [app] } }
}
