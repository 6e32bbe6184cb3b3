import { APP_IMAGE, type Cluster } from '../cluster/cluster.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { coldImages, dropPulledImages } from '../workloads/cold-images.ts'
import type { Herd } from './herd.ts'

const STARTS = 12
const IMAGES = 10
/** The limit of the gated runs, for starts and pulls alike. */
export const LIMIT = 2

/** Twelve pods whose start burns CPU, on two workers: all at once they only slow each other down. */
export function startingHerd(gated: boolean): Herd {
  return {
    title: `${STARTS} pods that start, ${gated ? `with startgate, max-starting: ${LIMIT}` : 'without startgate'}`,
    counted: 'starting',
    limit: LIMIT,
    pods: STARTS,
    gated,
    settings: { 'max-starting': String(LIMIT), 'max-starting-per-node': String(STARTS) },
    objects: [deployment('web', STARTS, { image: APP_IMAGE, startSeconds: 1, burnRounds: 1_500_000 })],
  }
}

/** Ten pods with ten images that no node has: pushed anew each time, so that each pull is a cold one. */
export async function pullingHerd(cluster: Cluster, gated: boolean): Promise<Herd> {
  await dropPulledImages(cluster)
  const images = await coldImages(cluster, 'demo', IMAGES, 6)
  const limits = { 'max-pulling': String(LIMIT), 'max-pulling-per-node': String(IMAGES) }
  return {
    title: `${IMAGES} pods with ${IMAGES} cold images, ${gated ? `with startgate, max-pulling: ${LIMIT}` : 'without startgate'}`,
    counted: 'pulling',
    limit: LIMIT,
    pods: IMAGES,
    gated,
    settings: { ...limits, 'max-starting': String(IMAGES), 'max-starting-per-node': String(IMAGES) },
    objects: images.map((image, i) => pod(`image-${i}`, { image })),
  }
}
