import { CommandError } from '../cluster/command.ts'
import type { Manifest } from '../harness/kubectl.ts'
import type { NamespaceOptions, TestNamespace } from '../harness/test-namespace.ts'
import { sequencedPod } from './sequenced-work.ts'

const resources = (cpu: string, memory: string, limits: Record<string, string> = { cpu, memory }) => ({
  resources: { requests: { cpu, memory }, limits },
})
const SMALL = resources('100m', '128Mi')
const RESTRICTED = {
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
}

function made(name: string, both: object, work: { dependsOn?: string; readiness?: string; spec?: object } = {}) {
  const { dependsOn = 'app: [db]\n', readiness, spec = {} } = work
  return sequencedPod(name, ['app', 'db'], {
    dependsOn,
    ...(readiness && { readiness }),
    containers: { app: both, db: both },
    spec: { ...spec },
  })
}

/** Pods of two containers in order, each of another QoS class, size or level of security. */
export const sequencedShapes: Manifest[] = [
  made('best-effort', {}),
  made('requests', { resources: { requests: { cpu: '100m', memory: '128Mi' } } }),
  made('limits-above', resources('50m', '64Mi', { cpu: '100m', memory: '128Mi' })),
  made('memory-limit', { resources: { limits: { memory: '128Mi' } } }),
  made('tiny', resources('1m', '8Mi', { cpu: '10m', memory: '16Mi' })),
  made('guaranteed', SMALL),
  made('guaranteed-large', resources('1', '1Gi')),
  made('notifies', resources('50m', '64Mi', { cpu: '100m', memory: '128Mi' }), { readiness: 'db: notify\n' }),
  // What completes has no probe.
  made(
    'completes',
    { ...resources('50m', '64Mi', { cpu: '100m', memory: '128Mi' }), startupProbe: undefined },
    {
      dependsOn: 'app: {db: completed}\n',
      spec: { initContainers: [{ name: 'first', image: 'none', ...SMALL }] },
    },
  ),
  made('restricted', RESTRICTED, {
    readiness: 'db: notify\n',
    spec: {
      securityContext: { runAsNonRoot: true, runAsUser: 12_345, seccompProfile: { type: 'RuntimeDefault' } },
    },
  }),
  made('root', { securityContext: { runAsUser: 0 } }),
  made('privileged', { securityContext: { privileged: true } }),
]

const one = (kind: string, spec: object): Manifest => ({ apiVersion: 'v1', kind, metadata: { name: 'one' }, spec })
const range = (limits: object) => one('LimitRange', { limits: [{ type: 'Container', ...limits }] })
const level = (name: string) => ({ labels: { 'pod-security.kubernetes.io/enforce': name } })
/** Just what two of the containers above ask for. */
const HARD = { 'requests.cpu': '200m', 'requests.memory': '256Mi', 'limits.cpu': '200m', 'limits.memory': '256Mi' }

export interface Judge {
  options?: NamespaceOptions
  objects?: Manifest[]
  /** Pods that are taken, but start without their order, with a warning: it cannot be had for nothing. */
  withoutOrder?: string[]
}

/**
 * Namespaces that judge pods. Under a quota of what containers ask for, a Guaranteed pod has no room for a sidecar,
 * which would have to ask for something.
 */
export const judges: Record<string, Judge> = {
  free: {},
  quota: { objects: [one('ResourceQuota', { hard: HARD })], withoutOrder: ['guaranteed'] },
  'quota of pods': { objects: [one('ResourceQuota', { hard: { pods: '1' } })] },
  defaults: { objects: [range({ default: { cpu: '100m', memory: '128Mi' } })] },
  'small defaults': { objects: [range({ default: { cpu: '100m', memory: '64Mi' } })] },
  range: {
    objects: [range({ min: { cpu: '50m', memory: '64Mi' }, max: { cpu: '200m', memory: '256Mi' } })],
  },
  'quota and range': {
    objects: [one('ResourceQuota', { hard: HARD }), range({ default: { memory: '128Mi' } })],
    withoutOrder: ['guaranteed'],
  },
  baseline: { options: level('baseline') },
  restricted: { options: level('restricted') },
}

interface Verdict {
  qosClass: string
  isSequenced: boolean
}

/** What the API server makes of each pod that it takes, by name. Nothing is stored. */
export async function verdictsIn({ kubectl, name }: TestNamespace, pods: Manifest[]): Promise<Map<string, Verdict>> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods })
  const print =
    'jsonpath={.metadata.name}{" "}{.status.qosClass}{" "}{.spec.initContainers[?(@.name=="startgate")].name}{"\\n"}'
  const { stdout } = await kubectl
    .run(['create', '--dry-run=server', '-n', name, '-f', '-', '-o', print], list)
    .catch((error: unknown) => {
      // Some are refused: then the others are printed all the same.
      if (error instanceof CommandError) return error.result
      throw error
    })
  const lines = stdout.split('\n').filter(line => line !== '')
  return new Map(
    lines.map(line => {
      const [pod = '', qosClass = '', agent] = line.split(' ')
      return [pod, { qosClass, isSequenced: agent === 'startgate' }]
    }),
  )
}
