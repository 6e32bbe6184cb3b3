import type { Manifest } from './kubectl.ts'

export interface Work {
  image: string
  /** How long a start takes; it only waits. */
  startSeconds?: number
  /** Never gets ready. */
  stuck?: boolean
  /**
   * Which probe watches for the end of the start. `readiness` (the usual one) connects, since one that runs a program
   * each second in each of sixty pods takes both cores; `file` is for pods with a program of their own.
   */
  probe?: 'readiness' | 'startup' | 'file' | 'none'
  /** A worker's name; any node when absent. */
  node?: string
  annotations?: Record<string, string>
  /** Fields of the pod's spec, put over the usual ones. */
  spec?: Record<string, unknown>
}

/**
 * Stamps are ms of the kernel's boot clock: busybox knows no ms of wall time, and all nodes of a kind cluster share a
 * kernel. The sleep at the end is a child, so that the trap ends the shell at once on deletion.
 */
const SCRIPT = `
now() { read -r up rest </proc/uptime; echo "\${up%.*}\${up#*.}0"; }
trap 'exit 0' TERM
rm -f /state/ready
echo "start $(now)"
sleep $START_SECONDS & wait $!
touch /state/ready
[ -z "$READY_PORT" ] || httpd -p "$READY_PORT" -h /state
echo "ready $(now)"
while :; do sleep 3600 & wait $!; done
`

const READY_PORT = 8099
const EACH_SECOND = { periodSeconds: 1, failureThreshold: 600, timeoutSeconds: 5 }
const HAS_FILE = { exec: { command: ['test', '-f', '/state/ready'] }, ...EACH_SECOND }
const PROBES = {
  readiness: { readinessProbe: { tcpSocket: { port: READY_PORT }, ...EACH_SECOND } },
  startup: { startupProbe: HAS_FILE },
  file: { readinessProbe: HAS_FILE },
  none: {},
}

/** A pod template whose one container, `app`, writes when it starts and when it is ready, and is quick to delete. */
export function podTemplate(name: string, work: Work): { metadata: object; spec: Record<string, unknown> } {
  const probe = work.probe ?? 'readiness'
  const env = {
    START_SECONDS: String(work.stuck ? 3600 : (work.startSeconds ?? 0)),
    READY_PORT: probe === 'readiness' ? String(READY_PORT) : '',
  }
  const container = {
    name: 'app',
    image: work.image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', SCRIPT],
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    volumeMounts: [{ name: 'state', mountPath: '/state' }],
    ...PROBES[probe],
  }
  return {
    metadata: { labels: { app: name }, ...(work.annotations ? { annotations: work.annotations } : {}) },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [container],
      volumes: [{ name: 'state', emptyDir: {} }],
      ...(work.node ? { nodeSelector: { 'kubernetes.io/hostname': work.node } } : {}),
      ...work.spec,
    },
  }
}

/** A Deployment of such pods. */
export function deployment(name: string, replicas: number, work: Work): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: podTemplate(name, work) },
  }
}

/** One such pod on its own. */
export function pod(name: string, work: Work): Manifest {
  const template = podTemplate(name, work)
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...template.metadata }, spec: template.spec }
}
