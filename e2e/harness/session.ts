import { onTestFinished } from 'vitest'
import { type Cluster, clusterUp, findCluster } from '../cluster/cluster.ts'
import { lineLog } from '../cluster/line-log.ts'
import { DEFAULT_NAME } from '../cluster/paths.ts'
import { Observer, type ObserverOptions } from '../observer/observer.ts'
import { installStartgate } from './install.ts'
import { Kubectl } from './kubectl.ts'
import { type NamespaceOptions, TestNamespace } from './test-namespace.ts'
import { limits } from './time-limits.ts'
import { waitFor } from './wait-for.ts'

/** The cluster of a test run, with startgate installed. */
export interface Session {
  cluster: Cluster
  kubectl: Kubectl
  /** Names of the workers, sorted. */
  workers: string[]
}

const log = lineLog(process.stderr, '  ')

/**
 * What the e2e suites install. The namespaces' own limits are what is tested, so those for the cluster and for nodes
 * are out of their way; the times of bad days are short enough to wait for.
 */
export const E2E_VALUES: Record<string, unknown> = {
  limits: {
    cluster: { maxPulling: 100 },
    node: { maxStarting: 50, maxPulling: 50 },
    namespaceShare: 1,
    allowFloor: true,
    allowWeight: true,
  },
  failOpenJitter: '20s',
  waitingEventAfter: '5s',
  lameDuckSeconds: 2,
  nodeWaiter: { enabled: true },
}

/** The same where nodes have no waiters, so that each gate asks by itself. */
export const DIRECT_VALUES: Record<string, unknown> = { ...E2E_VALUES, nodeWaiter: { enabled: false } }

/**
 * The cluster of a test run (STARTGATE_E2E_CLUSTER names another than usual): adopts a healthy one, or brings it up
 * anew. With STARTGATE_E2E_SHARED other suites run on it at the same time: then one that does not answer is waited for,
 * never replaced.
 */
export async function openCluster(): Promise<Cluster> {
  const name = process.env.STARTGATE_E2E_CLUSTER ?? DEFAULT_NAME
  if (process.env.STARTGATE_E2E_SHARED === undefined) return clusterUp({ nodes: 2, name, log })
  return waitFor(`cluster ${name} runs`, () => findCluster(name), limits.rollout)
}

/** Opens the cluster and installs startgate. */
export async function openSession(values: Record<string, unknown> = E2E_VALUES): Promise<Session> {
  const session = await joinCluster()
  await installStartgate(session.cluster, { log, values })
  return session
}

/** Opens the cluster for a suite that installs by itself. */
export async function joinCluster(): Promise<Session> {
  const cluster = await openCluster()
  const workers = cluster.nodes.filter(n => n.role === 'worker').map(n => n.name)
  return { cluster, kubectl: new Kubectl(cluster.env), workers }
}

/** A namespace that goes away when the test ends, after saving artefacts if it failed. */
export async function namespaceFor(
  { kubectl }: Session,
  options: NamespaceOptions & { word: string },
): Promise<TestNamespace> {
  const namespace = await TestNamespace.create(kubectl, options.word, options)
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') await namespace.save(task)
    await namespace.remove()
  }, 300_000)
  return namespace
}

/** An observer that stops when the test ends. */
export async function observerFor({ cluster }: Session, options: ObserverOptions = {}): Promise<Observer> {
  const observer = await Observer.start(cluster.kubeconfig, options)
  onTestFinished(() => observer.stop())
  return observer
}
