import { APP_IMAGE } from '../../e2e/cluster/app-image.ts'
import type { Manifest } from '../../e2e/harness/kubectl.ts'
import { deployment } from '../../e2e/harness/pod-templates.ts'

/** So many pods on one node, as a Deployment of them. */
export interface Share {
  name: string
  node: string
  pods: number
}

const EACH_SECOND = { periodSeconds: 1, failureThreshold: 600, timeoutSeconds: 5 }
/** What people write who have read about liveness probes: a container that takes over a minute is killed. */
const ORDINARY_LIVENESS = { initialDelaySeconds: 30, periodSeconds: 10, failureThreshold: 3 }

/** An ordinary Spring Boot application, ready by its health page; with `isProbed` also alive by it. */
export function jvmApps({ name, node, pods }: Share, image: string, isProbed = false): Manifest {
  const healthy = (of: 'readiness' | 'liveness') => ({ httpGet: { path: `/actuator/health/${of}`, port: 8080 } })
  const container = {
    name: 'app',
    image,
    imagePullPolicy: 'IfNotPresent',
    resources: { requests: { memory: '384Mi' } },
    env: [{ name: 'MANAGEMENT_ENDPOINT_HEALTH_PROBES_ENABLED', value: 'true' }],
    readinessProbe: { ...healthy('readiness'), ...EACH_SECOND },
    ...(isProbed && { livenessProbe: { ...healthy('liveness'), ...ORDINARY_LIVENESS } }),
  }
  return deployment(name, pods, { image, node, spec: { containers: [container] } })
}

/** Starts that take 10 s and need nothing meanwhile, as those that wait for a lock or a peer. */
export function sleepers({ name, node, pods }: Share): Manifest {
  return deployment(name, pods, { image: APP_IMAGE, node, startSeconds: 10 })
}

const DISK_PORT = 8099
const DISK_MIB = 64
const DISK_ROUNDS = 12
/** Past the page cache, so that it is the disk that is read. */
const DISK_SCRIPT = `
trap 'exit 0' TERM
n=0
while [ $n -lt ${DISK_ROUNDS} ]; do
  dd if=/dev/zero of=/state/data bs=1M count=${DISK_MIB} conv=fsync status=none
  dd if=/state/data of=/dev/null bs=1M iflag=direct status=none
  n=$((n+1))
done
rm /state/data
httpd -p ${DISK_PORT} -h /state
while :; do sleep 3600 & wait $!; done
`

/** Starts that write, sync and read back 768 MiB of the node's disk, 64 MiB at a time, and need hardly any CPU. */
export function diskReaders({ name, node, pods }: Share): Manifest {
  const container = {
    name: 'app',
    image: APP_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', DISK_SCRIPT],
    volumeMounts: [{ name: 'state', mountPath: '/state' }],
    readinessProbe: { tcpSocket: { port: DISK_PORT }, ...EACH_SECOND },
  }
  return deployment(name, pods, { image: APP_IMAGE, node, spec: { containers: [container] } })
}
