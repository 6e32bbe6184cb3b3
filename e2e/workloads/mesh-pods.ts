import { APP_IMAGE } from '../cluster/app-image.ts'
import { type Cluster, execOnNode } from '../cluster/cluster.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { pod } from '../harness/pod-templates.ts'
import type { MeshRules } from './mesh-rules.ts'
import { containerIn, type SeenPod } from './sequenced-pods.ts'

const restore = (rules: string) => `/usr/sbin/iptables-restore --noflush <<'EOF'\n${rules}EOF\n`
const SLEEP = ['sh', '-c', "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"]

export interface MeshedPod {
  image: string
  /** Who writes the redirect: an init container before the app, or a CNI plugin before all. */
  by: 'init' | 'cni'
  annotations?: Record<string, string>
}

/**
 * A pod as the mesh's injector leaves it, with a classic sidecar: its proxy never listens, so what is redirected is
 * refused. The init container writes the real rules with the node's iptables, in the pod's network namespace.
 */
export function meshedPod(name: string, mesh: MeshRules, { image, by, annotations }: MeshedPod): Manifest {
  const made = pod(name, { image, probe: 'file', ...(annotations && { annotations }) })
  const spec = made.spec as { containers: object[]; volumes: object[] }
  const script = `chroot /host sh -c "$RESTORE"`
  const init = {
    name: mesh.init,
    image: APP_IMAGE,
    command: ['sh', '-c', script],
    args: mesh.args,
    env: [{ name: 'RESTORE', value: restore(mesh.rules) }],
    securityContext: { privileged: true, runAsUser: 0, runAsNonRoot: false },
    volumeMounts: [{ name: 'host', mountPath: '/host' }],
  }
  const checker = { name: mesh.checker, image: APP_IMAGE, command: ['true'] }
  const proxy = {
    name: mesh.proxy,
    image: APP_IMAGE,
    command: SLEEP,
    securityContext: { runAsUser: mesh.user, runAsGroup: mesh.user },
  }
  return {
    ...made,
    spec: {
      ...spec,
      initContainers: [by === 'init' ? init : checker],
      containers: [...spec.containers, proxy],
      volumes: [...spec.volumes, ...(by === 'init' ? [{ name: 'host', hostPath: { path: '/' } }] : [])],
    },
  }
}

/**
 * Writes the redirect into the pod of a container that runs, as a CNI plugin would before it; then kills the container.
 */
export async function redirectAndRestart(cluster: Cluster, seen: SeenPod, container: string, { rules }: MeshRules) {
  const id = containerIn(seen, container)?.containerID?.replace('containerd://', '') ?? ''
  const script = `
cd /proc
for p in [0-9]*; do grep -q ${id} $p/cgroup 2>/dev/null && break; done
nsenter -t $p -n ${restore(rules)}
ctr -n k8s.io tasks kill --signal SIGKILL ${id}`
  await execOnNode(cluster, seen.spec.nodeName ?? '', ['sh', '-c', script])
}
