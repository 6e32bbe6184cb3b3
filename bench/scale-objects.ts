import { createHash } from 'node:crypto'
import { APPS, IMAGE_STEPS, managedFields, podTemplate, text } from './scale-pod.ts'
import type { PodState } from './scale-pod-state.ts'

/** Of the cluster that the bench stands for. */
export interface ClusterSize {
  nodes: number
  namespaces: number
  pods: number
  /** Pods whose gate waits: the first ones, on the first nodes. */
  waiting: number
}

/** Nodes that the waiting pods are on. */
export const FROZEN_NODES = 200
const IMAGES_PER_NODE = 50
/** Different images in the cluster. */
const IMAGES = 2_000

const nodeOf = (pod: number, size: ClusterSize): number =>
  pod < size.waiting ? pod % Math.min(FROZEN_NODES, size.nodes) : pod % size.nodes

export const uidOf = (pod: number): string => `5ca1ab1e-0000-4000-8000-${String(pod).padStart(12, '0')}`
export const podIndexOf = (uid: string): number => Number(uid.slice(-12))
export const podNameOf = (pod: number): string => `checkout-7d9f8c6b54-${pod.toString(36).padStart(5, '0')}`
export const namespaceNameOf = (i: number): string => `team-${String(i).padStart(5, '0')}`
const nodeNameOf = (i: number): string => `ip-10-${i >> 8}-${i & 255}-17.eu-central-1.compute.internal`

/** As a container runtime writes them: 64 hexadecimal digits. */
function containerIds(pod: number, names: string[]): Record<string, string> {
  const digits = createHash('sha256').update(String(pod)).digest('hex')
  const idOf = (i: number): string => `containerd://${digits.slice(0, -2)}${String(i).padStart(2, '0')}`
  return Object.fromEntries(names.map((name, i) => [`id_${name.replaceAll('-', '_')}`, idOf(i)]))
}

const PODS = { waiting: podTemplate('waiting'), starting: podTemplate('starting'), ready: podTemplate('ready') }

/** A pod as JSON, some 17 KiB, as a controller, the webhook and a kubelet leave it. */
export function podJson(
  pod: number,
  state: PodState,
  at: { version: number; startedAtMs: number },
  size: ClusterSize,
): string {
  return PODS[state]({
    ...containerIds(pod, ['startgate-pull', ...IMAGE_STEPS, 'startgate-start', ...APPS]),
    name: podNameOf(pod),
    namespace: namespaceNameOf(pod % size.namespaces),
    uid: uidOf(pod),
    node: nodeNameOf(nodeOf(pod, size)),
    version: String(at.version),
    image: imageOf(pod % IMAGES),
    createdAt: new Date(1_767_225_600_000 + ((pod * 7919) % 100_003) * 1_000).toISOString(),
    startedAt: new Date(at.startedAtMs).toISOString(),
  })
}

function imageOf(i: number): string {
  return `registry.example/team-${i % 97}/checkout-${i}:2026.11.${i % 30}`
}

/** A node as JSON with the 50 images that a kubelet lists; `limit` is its annotation. */
export function nodeJson(node: number, limit: number | undefined, version: number): string {
  const images = Array.from({ length: IMAGES_PER_NODE }, (_, i) => {
    const name = imageOf((node * 31 + i * 7) % IMAGES)
    return { names: [`${name.split(':')[0]}@sha256:${text(64)}`, name], sizeBytes: 123_456_789 }
  })
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeNameOf(node),
      uid: `node-uid-${node}`,
      resourceVersion: String(version),
      labels: { 'kubernetes.io/hostname': nodeNameOf(node), 'topology.kubernetes.io/zone': 'eu-central-1a' },
      annotations: {
        'node.alpha.kubernetes.io/ttl': '0',
        ...(limit !== undefined && { 'startgate.dev/max-starting-per-node': String(limit) }),
      },
      managedFields: [
        managedFields(
          'kubelet',
          Array.from({ length: 12 }, (_, i) => `c${i}`),
        ),
      ],
    },
    spec: { podCIDR: '10.1.0.0/24', providerID: text(40) },
    status: {
      capacity: { cpu: '16', memory: '65806116Ki', pods: '110', 'ephemeral-storage': '83873772Ki' },
      allocatable: { cpu: '15890m', memory: '62789892Ki', pods: '110', 'ephemeral-storage': '76224326324' },
      conditions: ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map(type => ({
        type,
        status: type === 'Ready' ? 'True' : 'False',
        lastHeartbeatTime: '2026-11-20T08:00:00Z',
        reason: 'Kubelet',
        message: text(60),
      })),
      images,
      nodeInfo: { kubeletVersion: 'v1.35.0', osImage: text(40), kernelVersion: '6.1.0', architecture: 'amd64' },
    },
  })
}

export function namespaceJson(i: number, version: number): string {
  const name = namespaceNameOf(i)
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      uid: `namespace-uid-${i}`,
      resourceVersion: String(version),
      labels: { 'kubernetes.io/metadata.name': name, 'startgate.dev/injection': 'enabled', team: 'payments' },
      annotations: { 'field.cattle.io/description': text(120) },
      managedFields: [managedFields('kubectl', ['a', 'b'])],
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  })
}
