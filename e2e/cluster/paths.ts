import { homedir } from 'node:os'
import { join } from 'node:path'

/** The name a cluster has unless told otherwise. */
export const DEFAULT_NAME = 'startgate'

/** Where one user's cluster things live: outside the clone, so that every clone shares the slow-made parts. */
export interface Paths {
  /** Results of slow steps, each under a hash of what it was made from. */
  steps: string
  /** What belongs to running things: sockets, pids, kubeconfigs. Empty after `down`. */
  run: string
  /** The local Docker daemon's data. Kept by `down`: it holds the images. */
  docker: string
  /** Links to kind, helm, kubectl and docker. */
  bin: string
  /** Socket of the local Docker daemon. */
  socket: string
}

/** Resolves all paths from STARTGATE_CACHE, or else from the home directory. */
export function clusterPaths(env: NodeJS.ProcessEnv = process.env): Paths {
  const cache = env.STARTGATE_CACHE ?? join(env.HOME ?? homedir(), '.cache', 'startgate')
  const run = join(cache, 'run')
  return {
    steps: join(cache, 'steps'),
    run,
    docker: join(cache, 'docker'),
    bin: join(cache, 'bin'),
    socket: join(run, 'docker.sock'),
  }
}

/** Directory of one cluster's kubeconfig and state. */
export function clusterDir(name: string, paths: Paths = clusterPaths()): string {
  return join(paths.run, 'clusters', name)
}
