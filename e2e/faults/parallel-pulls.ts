import { type Cluster, execOnNode, kubelet } from '../cluster/cluster.ts'
import type { Kubectl } from '../harness/kubectl.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const CONFIG = '/var/lib/kubelet/config.yaml'

/**
 * Lets the workers' kubelets pull several images at once. By default a kubelet pulls one after another, so that on two
 * nodes no more than two pulls can run and a limit of two could never be seen to be broken.
 */
export async function allowParallelPulls(cluster: Cluster, kubectl: Kubectl): Promise<void> {
  for (const { name, role } of cluster.nodes) {
    if (role !== 'worker') continue
    const { stdout } = await execOnNode(cluster, name, ['cat', CONFIG])
    if (/^serializeImagePulls: false$/m.test(stdout)) continue
    const edit = `sed -i '/^serializeImagePulls:/d' ${CONFIG} && echo 'serializeImagePulls: false' >>${CONFIG}`
    await execOnNode(cluster, name, ['sh', '-c', edit])
    await kubelet(cluster, name, 'restart')
    const ready = ['get', 'node', name, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']
    await waitFor(`${name} is Ready again`, async () => (await kubectl.text(ready)) === 'True', limits.rollout)
  }
}
