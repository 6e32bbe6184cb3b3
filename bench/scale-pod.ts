import type { PodState } from './scale-pod-state.ts'

/** A JSON text with holes for what differs between objects: the size of a real object for the price of a join. */
export type Template = (values: Record<string, string>) => string

function templateOf(object: unknown): Template {
  const pieces = JSON.stringify(object).split(/@(\w+)@/)
  return values => pieces.map((piece, i) => (i % 2 === 0 ? piece : (values[piece] ?? ''))).join('')
}

export const IMAGE_STEPS = ['startgate-image-app', 'startgate-image-proxy', 'startgate-image-metrics']
const GATES = ['startgate-pull', 'startgate-start']
export const APPS = ['app', 'proxy', 'metrics']

export const text = (length: number): string => 'abcdefghij'.repeat(Math.ceil(length / 10)).slice(0, length)

function container(name: string): object {
  const isApp = APPS.includes(name)
  return {
    name,
    image: '@image@',
    imagePullPolicy: 'IfNotPresent',
    env: Array.from({ length: isApp ? 6 : 4 }, (_, i) => ({ name: `SETTING_NUMBER_${i}`, value: text(40) })),
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
    volumeMounts: Array.from({ length: 4 }, (_, i) => ({
      name: `volume-${i}`,
      mountPath: `/var/lib/${text(20)}/${i}`,
    })),
    ...(isApp && {
      ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }],
      livenessProbe: {
        httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' },
        periodSeconds: 10,
        timeoutSeconds: 1,
      },
      readinessProbe: {
        httpGet: { path: '/readyz', port: 8080, scheme: 'HTTP' },
        periodSeconds: 10,
        timeoutSeconds: 1,
      },
    }),
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  }
}

/** managedFields say once more, in the form of keys, what the object says. */
export function managedFields(manager: string, names: string[]): object {
  const fields = { 'f:image': {}, 'f:name': {}, 'f:resources': {}, 'f:env': { '.': {}, 'f:value': {} } }
  const containers = Object.fromEntries(names.map(name => [`k:{"name":"${name}"}`, fields]))
  return {
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time: '2026-11-20T08:00:00Z',
    fieldsV1: { 'f:spec': { 'f:containers': containers } },
  }
}

const status = (name: string, isInit: boolean, state: PodState): object => {
  const isGate = GATES.includes(name)
  const common = { name, image: '@image@', restartCount: 0 }
  if (state === 'waiting' && name === 'startgate-start')
    return {
      ...common,
      containerID: `@id-${name}@`.replaceAll('-', '_'),
      ready: false,
      started: true,
      state: { running: { startedAt: '@startedAt@' } },
    }
  if (!isInit && state === 'waiting')
    return { ...common, imageID: '', ready: false, started: false, state: { waiting: { reason: 'PodInitializing' } } }
  const id = `@id_${name.replaceAll('-', '_')}@`
  const message = isGate ? JSON.stringify({ verdict: 'granted', gate: name, attempt: 1, waitedMs: 1234 }) : undefined
  if (isInit)
    return {
      ...common,
      imageID: `registry.example/team/checkout@sha256:${text(64)}`,
      containerID: id,
      ready: true,
      started: false,
      state: {
        terminated: {
          exitCode: 0,
          reason: 'Completed',
          startedAt: '@startedAt@',
          finishedAt: '@startedAt@',
          containerID: id,
          ...(message && { message }),
        },
      },
    }
  return {
    ...common,
    imageID: `registry.example/team/checkout@sha256:${text(64)}`,
    containerID: id,
    ready: state === 'ready',
    started: true,
    state: { running: { startedAt: '@startedAt@' } },
  }
}

/** A pod as a controller, the webhook and a kubelet leave it. */
export function podTemplate(state: PodState): Template {
  const inits = ['startgate-pull', ...IMAGE_STEPS, 'startgate-start']
  return templateOf({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '@name@',
      generateName: 'checkout-7d9f8c6b54-',
      namespace: '@namespace@',
      uid: '@uid@',
      resourceVersion: '@version@',
      creationTimestamp: '@createdAt@',
      labels: { app: 'checkout', 'pod-template-hash': '7d9f8c6b54', 'startgate.dev/gated': 'true', team: 'payments' },
      annotations: { 'checksum/config': text(64), 'prometheus.io/scrape': 'true', 'startgate.dev/start-timeout': '3m' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'checkout-7d9f8c6b54',
          uid: text(36),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [managedFields('kube-controller-manager', APPS), managedFields('kubelet', [...inits, ...APPS])],
    },
    spec: {
      nodeName: '@node@',
      priority: 0,
      restartPolicy: 'Always',
      serviceAccountName: 'checkout',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
      volumes: Array.from({ length: 4 }, (_, i) => ({
        name: `volume-${i}`,
        configMap: { name: text(20), defaultMode: 420 },
      })),
      initContainers: inits.map(container),
      containers: APPS.map(container),
    },
    status: {
      phase: state === 'waiting' ? 'Pending' : 'Running',
      hostIP: '10.0.0.17',
      podIP: '10.1.0.17',
      qosClass: 'Burstable',
      startTime: '@createdAt@',
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
        type => ({
          type,
          status: state === 'ready' ? 'True' : 'False',
          lastProbeTime: null,
          lastTransitionTime: '@startedAt@',
        }),
      ),
      initContainerStatuses: inits.map(name => status(name, true, state)),
      containerStatuses: APPS.map(name => status(name, false, state)),
    },
  })
}
