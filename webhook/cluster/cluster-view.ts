import type { Clock } from '../../core/clock.ts'
import { hostPort } from '../../core/host-port.ts'
import type { KubeClient, Service } from '../../core/kube/client.ts'
import { createListWatch } from '../../core/kube/list-watch.ts'
import type { Logger } from '../../core/log.ts'
import type { Namespace, Node } from '../../core/pod.ts'
import { Kubelets } from './kubelets.ts'
import { followLeaderSkill } from './leader-skill.ts'
import { lookAgain } from './look-again.ts'
import { type Constraint, type ConstraintObject, NamespaceView } from './namespace-view.ts'
import { NodeImages } from './node-images.ts'
import { followWaiters } from './waiters.ts'

export interface ClusterViewOptions {
  client: KubeClient
  /** The lease service's Service. */
  service: { namespace: string; name: string; port: number }
  /** The waiters' DaemonSet, in the same namespace; undefined: waiters are off. */
  waiters?: string | undefined
  /** Whether gates of a sequence may stay in their pods, so that it matters whether the leader reads such. */
  sidecarGates: boolean
  clock: Clock
  log: Logger
}

/** What the webhook knows of the cluster, kept up to date. */
export interface ClusterView {
  namespaces: NamespaceView
  nodes: NodeImages
  /** Of the lease service, `host:port`; undefined until it was found. */
  address(): string | undefined
  /** Whether no node has had a waiter for a while, so that gates should not look for one. */
  waitersAreAway(): boolean
  /** Whether gates that stay would keep the order on each node that a pod may land on. */
  kubelets: Pick<Kubelets, 'areFitFor'>
  /** Whether the leader of the lease service reads such gates. */
  leaderReadsSidecarGates(): boolean
  /** What has not been read yet, one sentence each. */
  missing(): string[]
  stop(): Promise<unknown>
}

export function startClusterView(options: ClusterViewOptions): ClusterView {
  const { client, clock, log } = options
  const namespaces = new NamespaceView()
  const common = { client, clock, log, random: Math.random }
  const namespaceWatch = createListWatch<Namespace>({
    ...common,
    path: '/api/v1/namespaces',
    onChange: namespace => {
      const problems = namespaces.set(namespace)
      if (problems.length > 0)
        log.warn({ namespace: namespace.metadata.name, problems }, 'bad annotations; the last good values stay')
    },
    onDelete: namespace => namespaces.delete(namespace.metadata.name ?? ''),
  })
  const { nodes, kubelets, watch: nodeWatch } = nodesView(options)
  const needed = { namespaces: namespaceWatch, nodes: nodeWatch }
  // Not needed to be ready: without them small pods stay ungated, which harms nobody.
  const watches = [
    namespaceWatch,
    nodeWatch,
    constraintWatch(options, namespaces, ['LimitRange', '/api/v1/limitranges']),
    constraintWatch(options, namespaces, ['ResourceQuota', '/api/v1/resourcequotas']),
  ]
  for (const watch of watches) watch.start()
  const service = followService(options)
  const waiters = followWaiters(options.waiters, { client, namespace: options.service.namespace, clock, log })
  const leader = followLeaderSkill(options.sidecarGates, { client, namespace: options.service.namespace, log })
  return {
    namespaces,
    nodes,
    address: service.address,
    waitersAreAway: waiters.areAway,
    kubelets,
    leaderReadsSidecarGates: leader.readsSidecarGates,
    missing: () => [
      ...Object.entries(needed).flatMap(([what, watch]) => (watch.hasSynced() ? [] : [`${what} not listed yet`])),
      ...(service.address() ? [] : [`Service ${options.service.name} not found yet`]),
    ],
    stop: () => {
      service.stop()
      waiters.stop()
      leader.stop()
      return Promise.all(watches.map(watch => watch.stop()))
    },
  }
}

function nodesView({ client, clock, log }: ClusterViewOptions) {
  const nodes = new NodeImages()
  const kubelets = new Kubelets()
  const watch = createListWatch<Node>({
    client,
    clock,
    log,
    random: Math.random,
    path: '/api/v1/nodes',
    onChange: node => {
      nodes.set(node)
      kubelets.set(node)
    },
    onDelete: ({ metadata: { name = '' } }) => {
      nodes.delete(name)
      kubelets.delete(name)
    },
  })
  return { nodes, kubelets, watch }
}

function followService({ client, service: { namespace, name, port }, log }: ClusterViewOptions) {
  let address: string | undefined
  const look = async (): Promise<void> => {
    address = addressOf(await client.getService(namespace, name), port) ?? address
  }
  return { address: () => address, stop: lookAgain(`Service ${namespace}/${name}`, look, log) }
}

/** The cluster IP, because a name does not resolve in pods on the host's network. */
export function addressOf({ spec }: Service, port: number): string | undefined {
  const ip = spec?.clusterIP
  if (!ip || ip === 'None') return undefined
  return hostPort(ip, port)
}

function constraintWatch(
  { client, clock, log }: ClusterViewOptions,
  namespaces: NamespaceView,
  [kind, path]: [Constraint, string],
) {
  return createListWatch<ConstraintObject>({
    client,
    clock,
    log,
    path,
    random: Math.random,
    onChange: constraint => namespaces.constrain(kind, constraint),
    onDelete: ({ metadata }) => namespaces.unconstrain(kind, metadata),
    onSynced: () => namespaces.listed(kind),
  })
}
