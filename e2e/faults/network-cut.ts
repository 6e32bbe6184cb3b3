import { type Cluster, execOnNode } from '../cluster/cluster.ts'
import type { NodeProcesses } from './node-processes.ts'

/** What a pod no longer hears from or reaches, in the words of iptables. */
export type Cut = readonly string[]

/** All that the pod sends to the API server, by its Service. */
export const toApiServer: Cut = ['OUTPUT', '-p', 'tcp', '-d', '10.96.0.1', '-j', 'DROP']

/** All that the pod sends, as a NetworkPolicy that denies egress has it in most network plugins: nobody says no. */
export const egress: Cut = ['OUTPUT', '-p', 'tcp', '-j', 'DROP']

/** All that comes to this port of the pod, open connections too: nobody is told, as when a switch dies. */
export const toPort = (port: number): Cut => ['INPUT', '-p', 'tcp', '--dport', String(port), '-j', 'DROP']

/** Cuts in the network namespace of a pod; returns what mends it, once. */
export async function cut(cluster: Cluster, { node, pids }: NodeProcesses, what: Cut): Promise<() => Promise<void>> {
  const iptables = ['nsenter', '-t', pids[0] ?? '', '-n', 'iptables']
  await execOnNode(cluster, node, [...iptables, '-I', ...what])
  let isCut = true
  return async () => {
    if (!isCut) return
    isCut = false
    await execOnNode(cluster, node, [...iptables, '-D', ...what])
  }
}
