import { type Cluster, execOnNode } from '../cluster/cluster.ts'
import { listImages } from '../cluster/node-images.ts'

let made = 0

/** Pushes images that no node has, under tags that were never used before; returns their references. */
export function coldImages(cluster: Cluster, word: string, count: number, megabytes: number): Promise<string[]> {
  const images = Array.from({ length: count }, (_, i) => ({
    name: `${word}-${i}`,
    tag: `${Date.now().toString(36)}-${process.pid.toString(36)}-${made++}`,
  }))
  return Promise.all(images.map(({ name, tag }) => cluster.registry.pushTestImage(name, { megabytes, tag })))
}

/**
 * Takes what earlier runs pulled from the test registry off the workers. A node's status lists 50 images, the largest
 * first: without this the small ones that tests rely on would fall off the list of a cluster that is kept.
 */
export async function dropPulledImages(cluster: Cluster): Promise<void> {
  for (const { name, role } of cluster.nodes) {
    if (role !== 'worker') continue
    const images = await listImages(cluster, name)
    const pulled = images.filter(image => image.ref.startsWith(`${cluster.registry.host}/`))
    const digests = new Set(pulled.map(image => image.digest))
    const names = images.filter(image => digests.has(image.digest)).map(image => image.ref)
    if (names.length > 0) await execOnNode(cluster, name, ['ctr', '-n', 'k8s.io', 'images', 'rm', '--sync', ...names])
  }
}
