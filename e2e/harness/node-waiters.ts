import { SYSTEM_NAMESPACE } from './install.ts'
import type { Kubectl } from './kubectl.ts'
import { limits } from './time-limits.ts'
import { waitFor } from './wait-for.ts'

const NAME = 'startgate-node-waiter'
const IN_SYSTEM = ['-n', SYSTEM_NAMESPACE]
const PODS = [...IN_SYSTEM, '-l', 'app.kubernetes.io/component=node-waiter']

interface DaemonSet {
  status: { desiredNumberScheduled: number; numberReady?: number }
}

/** The waiter's pod on each node, by the node's name. */
export async function waiterPods(kubectl: Kubectl): Promise<Map<string, string>> {
  const { items } = await kubectl.json<{
    items: { metadata: { name: string; deletionTimestamp?: string }; spec: { nodeName?: string } }[]
  }>(['get', 'pods', ...PODS])
  const staying = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  return new Map(staying.map(({ metadata, spec }) => [spec.nodeName ?? '', metadata.name]))
}

/** Deletes the waiter of a node, or of all; each comes again by itself. */
export async function deleteWaiters(kubectl: Kubectl, node?: string): Promise<void> {
  const name = node === undefined ? undefined : (await waiterPods(kubectl)).get(node)
  const which = name === undefined ? PODS : [...IN_SYSTEM, name]
  await kubectl.run(['delete', 'pods', ...which, '--wait=false'])
}

export async function waitersReady(kubectl: Kubectl): Promise<void> {
  const isReady = async () => {
    const { status } = await kubectl.json<DaemonSet>(['get', 'daemonset', NAME, ...IN_SYSTEM])
    return status.desiredNumberScheduled > 0 && status.numberReady === status.desiredNumberScheduled
  }
  await waitFor('a waiter is Ready on each node', isReady, limits.rollout)
}

/** Takes all waiters away; returns what brings them back. */
export async function withoutWaiters(kubectl: Kubectl): Promise<() => Promise<void>> {
  const select = (value: string | null) =>
    kubectl.run([
      'patch',
      'daemonset',
      NAME,
      ...IN_SYSTEM,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { template: { spec: { nodeSelector: { 'startgate-e2e/no-such-node': value } } } } }),
    ])
  await select('true')
  await waitFor('no waiter runs', async () => (await waiterPods(kubectl)).size === 0, limits.rollout)
  return async () => {
    await select(null)
    await waitersReady(kubectl)
  }
}
