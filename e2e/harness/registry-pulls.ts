import type { Cluster } from '../cluster/cluster.ts'
import { pullIntervals } from '../cluster/registry-log.ts'
import { foldPulls, type PullReport } from '../observer/pull-fold.ts'

/** Who pulled what when since a moment of this machine's wall clock, by the registry's own log. */
export async function registryPulls(cluster: Cluster, sinceMs: number): Promise<PullReport> {
  const nodes = new Map(cluster.nodes.map(node => [node.ip, node.name]))
  const pulls = pullIntervals(await cluster.registry.accessLog(sinceMs)).map(({ image, clientIp, startMs, endMs }) => ({
    name: image,
    image,
    node: nodes.get(clientIp) ?? clientIp,
    fromMs: startMs,
    toMs: endMs,
  }))
  return foldPulls(pulls)
}
