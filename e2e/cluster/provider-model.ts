import type { Log } from './step-cache.ts'

/** Names of images that are in the provider's Docker daemon. */
export interface ClusterImages {
  node: string
  app: string
  registry: string
  nginx: string
}

/** Where a cluster's node containers come from and run. */
export interface Provider {
  kind: 'local' | 'docker'
  /** Environment for docker and kind: whose daemon, which PATH. */
  env(): NodeJS.ProcessEnv
  /** Brings the daemon up and everything into it that a cluster needs; quick when it is there already. */
  prepare(log: Log): Promise<ClusterImages>
  /** Makes or fetches the two base images of the product image. */
  productBase(): Promise<{ base: string; busybox: string }>
}
