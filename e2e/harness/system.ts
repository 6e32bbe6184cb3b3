import { SYSTEM_NAMESPACE } from './install.ts'
import type { Kubectl } from './kubectl.ts'
import { limits } from './time-limits.ts'
import { waitFor } from './wait-for.ts'

/** The parts of startgate that run in the cluster, by the names of their Deployments. */
export type Part = 'startgate-webhook' | 'startgate-lease-service'

interface Deployment {
  spec: { replicas: number }
  status: { readyReplicas?: number; replicas?: number }
}

/** Takes a part down as a bad day would; returns what brings it back to as many replicas and waits for them. */
export async function takeDown(kubectl: Kubectl, part: Part): Promise<() => Promise<void>> {
  const read = () => kubectl.json<Deployment>(['get', 'deployment', part, '-n', SYSTEM_NAMESPACE])
  const scale = (replicas: number) =>
    kubectl.run(['scale', 'deployment', part, '-n', SYSTEM_NAMESPACE, `--replicas=${replicas}`])
  const { replicas } = (await read()).spec
  await scale(0)
  const selector = `app.kubernetes.io/component=${part.replace('startgate-', '')}`
  const pods = () => kubectl.text(['get', 'pods', '-n', SYSTEM_NAMESPACE, '-l', selector, '-o', 'name'])
  await waitFor(`no pod of ${part}`, async () => (await pods()) === '', limits.rollout)
  return async () => {
    await scale(replicas)
    await waitFor(`${part} is Ready`, async () => (await read()).status.readyReplicas === replicas, limits.rollout)
  }
}

export interface HeldLease {
  name: string
  resource: string
  holder: string
}

/** Who holds slots, as `kubectl get leases` tells. */
export async function heldLeases(kubectl: Kubectl): Promise<HeldLease[]> {
  const list = await kubectl.json<{
    items: { metadata: { name: string; labels?: Record<string, string> }; spec: { holderIdentity?: string } }[]
  }>(['get', 'leases', '-n', SYSTEM_NAMESPACE, '-l', 'startgate.dev/resource'])
  return list.items.map(({ metadata, spec }) => ({
    name: metadata.name,
    resource: metadata.labels?.['startgate.dev/resource'] ?? '',
    holder: spec.holderIdentity ?? '',
  }))
}

/** The pod of the lease service that leads, as the election Lease says. */
export async function leaderPod(kubectl: Kubectl): Promise<string> {
  const { holderIdentity = '' } = await election(kubectl)
  // pod name, underscore, a number of the process
  const [pod] = holderIdentity.split('_')
  if (!pod) throw new Error('nobody leads: the election Lease names no holder')
  return pod
}

/** How often the leadership has changed hands. */
export async function leaderTerm(kubectl: Kubectl): Promise<number> {
  return (await election(kubectl)).leaseTransitions ?? 0
}

async function election(kubectl: Kubectl): Promise<{ holderIdentity?: string; leaseTransitions?: number }> {
  const get = ['get', 'lease', 'startgate-leader', '-n', SYSTEM_NAMESPACE]
  return (await kubectl.json<{ spec: Awaited<ReturnType<typeof election>> }>(get)).spec
}

export interface ProgramPod {
  name: string
  image: string
  restarts: number
  /** How the run before this one ended. */
  lastEnd: { exitCode: number; reason?: string } | undefined
}

/** Of `helm test` there are pods too, which stay: they are of no program. */
const PROGRAMS = 'app.kubernetes.io/name=startgate,app.kubernetes.io/component in (webhook,lease-service,node-waiter)'

/**
 * The pods of our programs, by name, without those of an earlier release that still end. In another list one was
 * replaced or restarted.
 */
export async function programPods(kubectl: Kubectl): Promise<ProgramPod[]> {
  const list = await kubectl.json<{
    items: {
      metadata: { name: string; deletionTimestamp?: string }
      spec: { containers: { image: string }[] }
      status: { containerStatuses?: { restartCount: number; lastState?: { terminated?: ProgramPod['lastEnd'] } }[] }
    }[]
  }>(['get', 'pods', '-n', SYSTEM_NAMESPACE, '-l', PROGRAMS, '--sort-by=.metadata.name'])
  const staying = list.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  return staying.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    image: spec.containers[0]?.image ?? '',
    restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    lastEnd: status.containerStatuses?.[0]?.lastState?.terminated,
  }))
}
