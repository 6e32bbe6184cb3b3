import { APP_IMAGE, type Cluster } from '../cluster/cluster.ts'
import { pod } from '../harness/pod-templates.ts'
import { type BusyStart, busyDeployment } from '../workloads/busy-start.ts'
import { coldImages, dropPulledImages } from '../workloads/cold-images.ts'
import type { Herd } from './herd.ts'

export const STARTS = 16
const IMAGES = 8
/** The limit of the gated runs, for starts and pulls alike. */
export const LIMIT = 2
/** As long as the gated herd needs on a quiet machine, and some seconds more. */
const UNGATED_SHOWN_MS = 70_000
/** A herd that is not ready by then will not be: the demo says so rather than hang. */
const LONGEST_MS = 150_000

/** A third of what people write (30 s + 3 x 10 s), so that the demo is short. */
const LIVENESS = { initialDelaySeconds: 10, periodSeconds: 3, failureThreshold: 3 }
/**
 * Two pods at once take twice as many seconds, whatever the machine: less than a third of what the liveness probe
 * allows. All at once they take sixteen times as many: twice what it allows.
 */
const CPU_SECONDS_PER_CORE = 2.25

/** What the starts cost and how they are watched, with the scale. */
export function startsAre(cores: number): string {
  const { initialDelaySeconds, periodSeconds, failureThreshold } = LIVENESS
  return [
    `Each of the pods that start now needs ${CPU_SECONDS_PER_CORE * cores} s of CPU, on ${cores} cores. Its liveness probe is about a third of`,
    `the usual one, so that the demo is short: ${initialDelaySeconds} s + ${failureThreshold} x ${periodSeconds} s instead of 30 s + 3 x 10 s.`,
  ].join('\n')
}

/** The namespace in which `-- --keep` leaves the gated herd. */
export const STARTS_NAMESPACE = 'demo-starts'

/** Sixteen pods whose start burns CPU and whose liveness probe does not wait for ever. */
export function startingHerd(cores: number, gated: boolean): Herd {
  const start: BusyStart = { cpuSecondsPerCore: CPU_SECONDS_PER_CORE, cores, liveness: LIVENESS }
  return {
    title: `${STARTS} pods that start, ${gated ? `with startgate, max-starting: ${LIMIT}` : 'without startgate'}`,
    about: gated
      ? 'Two at a time, each is ready long before its liveness probe would kill it.'
      : 'All at once they are too slow: the liveness probe kills each, again and again.',
    namespace: gated ? STARTS_NAMESPACE : `${STARTS_NAMESPACE}-ungated`,
    counted: 'starting',
    limit: LIMIT,
    pods: STARTS,
    gated,
    longestMs: gated ? LONGEST_MS : UNGATED_SHOWN_MS,
    settings: { 'max-starting': String(LIMIT) },
    objects: [busyDeployment('web', STARTS, start)],
  }
}

/** Pods with as many images that no node has: pushed anew each time, so that each pull is a cold one. */
export async function pullingHerd(cluster: Cluster, gated: boolean): Promise<Herd> {
  await dropPulledImages(cluster)
  const images = await coldImages(cluster, 'demo', IMAGES, 6)
  const limits = { 'max-pulling': String(LIMIT), 'max-pulling-per-node': String(IMAGES) }
  return {
    title: `${IMAGES} pods with ${IMAGES} cold images, ${gated ? `with startgate, max-pulling: ${LIMIT}` : 'without startgate'}`,
    about: gated
      ? 'Two pull at a time: slower, and registry, network and disk stay free for others.'
      : 'Not enabled for this namespace: the registry is asked for all images at once.',
    namespace: gated ? 'demo-pulls' : 'demo-pulls-ungated',
    counted: 'pulling',
    limit: LIMIT,
    pods: IMAGES,
    gated,
    longestMs: LONGEST_MS,
    settings: { ...limits, 'max-starting': String(IMAGES), 'max-starting-per-node': String(IMAGES) },
    objects: images.map((image, i) => pod(`image-${i}`, { image })),
  }
}

/** B and C, applied before the A that they need: under a limit of two they would hold both slots for ever. */
export function orderedHerd(): Herd {
  const after = { annotations: { 'startgate.dev/after': 'pod/a' } }
  return {
    title: `A, B, C with startgate, max-starting: ${LIMIT}, B and C after: pod/a`,
    about: 'B and C come first and need A. They wait without a slot, A starts, then they do.',
    namespace: 'demo-order',
    counted: 'starting',
    limit: LIMIT,
    pods: 3,
    gated: true,
    longestMs: LONGEST_MS,
    settings: { 'max-starting': String(LIMIT) },
    objects: [
      pod('b', { image: APP_IMAGE, startSeconds: 1, ...after }),
      pod('c', { image: APP_IMAGE, startSeconds: 1, ...after }),
      pod('a', { image: APP_IMAGE, startSeconds: 3 }),
    ],
  }
}
