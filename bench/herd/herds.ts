import type { Manifest } from '../../e2e/harness/kubectl.ts'
import { diskReaders, jvmApps, type Share, sleepers } from './workloads.ts'

export type Letter = 'a' | 'b' | 'c' | 'd' | 'e'

export interface Herd {
  title: string
  pods: number
  /** A run ends when all are ready, and no later than this. */
  longestMs: number
  /** What a run takes on two cores, about, with what comes before and after it. */
  usualSeconds: number
  /** The herd's workloads, with a share of each on each worker. */
  objects(workers: readonly string[], jvmImage: string): Manifest[]
}

/** Equal shares for the workers, the first ones one more where they cannot be equal. */
export function sharesOf(name: string, pods: number, workers: readonly string[]): Share[] {
  const share = (i: number) => Math.floor(pods / workers.length) + (i < pods % workers.length ? 1 : 0)
  return workers.map((node, i) => ({ name: `${name}-${i}`, node, pods: share(i) })).filter(s => s.pods > 0)
}

export const herds: Readonly<Record<Letter, Herd>> = {
  a: {
    title: '16 Spring Boot applications',
    pods: 16,
    longestMs: 900_000,
    usualSeconds: 220,
    objects: (workers, image) => sharesOf('jvm', 16, workers).map(share => jvmApps(share, image)),
  },
  b: {
    title: '16 Spring Boot applications with a liveness probe (30 s + 3 × 10 s)',
    pods: 16,
    longestMs: 300_000,
    usualSeconds: 260,
    objects: (workers, image) => sharesOf('jvm', 16, workers).map(share => jvmApps(share, image, true)),
  },
  c: {
    title: '24 starts that sleep for 10 s',
    pods: 24,
    longestMs: 600_000,
    usualSeconds: 100,
    objects: workers => sharesOf('sleep', 24, workers).map(sleepers),
  },
  d: {
    title: '16 starts that write, sync and read 768 MiB',
    pods: 16,
    longestMs: 900_000,
    usualSeconds: 160,
    objects: workers => sharesOf('disk', 16, workers).map(diskReaders),
  },
  e: {
    title: 'a mix: 6 Spring Boot applications, 10 that sleep, 4 on the disk',
    pods: 20,
    longestMs: 900_000,
    usualSeconds: 150,
    objects: (workers, image) => [
      ...sharesOf('jvm', 6, workers).map(share => jvmApps(share, image)),
      ...sharesOf('sleep', 10, workers).map(sleepers),
      ...sharesOf('disk', 4, workers).map(diskReaders),
    ],
  },
}
