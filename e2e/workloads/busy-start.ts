import { APP_IMAGE } from '../cluster/app-image.ts'
import type { Manifest } from '../harness/kubectl.ts'

/** Seconds, as in a probe's fields: the kubelet kills what does not answer by then. */
export interface Liveness {
  initialDelaySeconds: number
  periodSeconds: number
  failureThreshold: number
}

export interface BusyStart {
  /** CPU time that one start uses, for each core of the machine. */
  cpuSecondsPerCore: number
  cores: number
  liveness: Liveness
}

/**
 * The start burns CPU time, read from the kernel's own count, so that it takes as much longer as there are others. Then
 * it listens. It ends with an error code when killed, as most programs do, so that nobody takes it for completed.
 */
const SCRIPT = `
trap 'exit 143' TERM
burn() {
  ticks=0
  while [ $ticks -lt $BURN_TICKS ]; do
    i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done
    read -r _ _ _ _ _ _ _ _ _ _ _ _ _ user system _ </proc/self/stat
    ticks=$((user+system))
  done
}
n=0; while [ $n -lt $BURNERS ]; do burn & n=$((n+1)); done
wait
echo ok >/state/healthz
httpd -p 8080 -h /state
while :; do sleep 3600 & wait $!; done
`

/** The kernel counts CPU time in hundredths of a second (USER_HZ), on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

const HEALTH = { httpGet: { path: '/healthz', port: 8080 } }

/** How many processes share the burning: two pods keep all cores busy. */
function burnersOf(cores: number): number {
  return Math.ceil(cores / 2)
}

/** A Deployment whose pods burn CPU before they answer, with the liveness and readiness probes that people write. */
export function busyDeployment(name: string, replicas: number, start: BusyStart): Manifest {
  const burners = burnersOf(start.cores)
  const ticks = Math.round((start.cpuSecondsPerCore * start.cores * TICKS_PER_SECOND) / burners)
  const container = {
    name: 'app',
    image: APP_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', SCRIPT],
    env: Object.entries({ BURNERS: burners, BURN_TICKS: ticks }).map(([key, value]) => ({
      name: key,
      value: String(value),
    })),
    volumeMounts: [{ name: 'state', mountPath: '/state' }],
    livenessProbe: { ...HEALTH, ...start.liveness },
    readinessProbe: { ...HEALTH, periodSeconds: 1 },
  }
  const template = {
    metadata: { labels: { app: name } },
    spec: { containers: [container], volumes: [{ name: 'state', emptyDir: {} }] },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: { app: name } }, template },
  }
}
