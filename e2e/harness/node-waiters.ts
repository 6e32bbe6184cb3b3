import { WAITERS as NAME, probed, SYSTEM_NAMESPACE } from './install.ts'
import type { Kubectl } from './kubectl.ts'
import { limits } from './time-limits.ts'
import { waitFor } from './wait-for.ts'

const IN_SYSTEM = ['-n', SYSTEM_NAMESPACE]
const PODS = [...IN_SYSTEM, '-l', 'app.kubernetes.io/component=node-waiter']

interface DaemonSet {
  status: { desiredNumberScheduled: number; numberReady?: number }
}

/** The waiter's pod on each node, by the node's name. */
async function waiterPods(kubectl: Kubectl): Promise<Map<string, string>> {
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

/** Until each node has its waiter, and the webhook knows that gates may look for one. */
export async function waitersReady(kubectl: Kubectl): Promise<void> {
  const isReady = async () => {
    const { status } = await kubectl.json<DaemonSet>(['get', 'daemonset', NAME, ...IN_SYSTEM])
    return status.desiredNumberScheduled > 0 && status.numberReady === status.desiredNumberScheduled
  }
  await waitFor('a waiter is Ready on each node', isReady, limits.rollout)
  const areAsked = async () => (await probed(kubectl)).includes('"/app/gate.sh"')
  await waitFor('gates look for a waiter', areAsked, limits.settingSeen)
}

/** Until the webhook knows that no node has a waiter. */
export async function waitersGivenUp(kubectl: Kubectl): Promise<void> {
  const areGivenUp = async () => !(await probed(kubectl)).includes('"/app/gate.sh"')
  await waitFor('gates look for no waiter', areGivenUp, limits.waitersGivenUp)
}

/** Has the DaemonSet's pods made now: after some that were refused, its controller waits for longer and longer. */
export async function touchWaiters(kubectl: Kubectl): Promise<void> {
  const note = `startgate-e2e/touched=${Date.now()}`
  await kubectl.run(['annotate', 'daemonset', NAME, ...IN_SYSTEM, '--overwrite', note])
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
