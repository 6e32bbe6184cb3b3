import { join } from 'node:path'
import { type Cluster, loadImage } from '../cluster/cluster.ts'
import { run } from '../cluster/command.ts'
import type { Product } from '../cluster/former-product.ts'
import { withLock } from '../cluster/lock.ts'
import { buildProductImage } from '../cluster/product-image.ts'
import { contentHash } from '../cluster/step-cache.ts'
import { Kubectl } from './kubectl.ts'
import { pod } from './pod-templates.ts'
import { limits } from './time-limits.ts'
import { waitFor } from './wait-for.ts'

export const SYSTEM_NAMESPACE = 'startgate-system'
export const RELEASE = 'startgate'
/** The DaemonSet of the nodes' waiters. */
export const WAITERS = 'startgate-node-waiter'

const CHART = join(import.meta.dirname, '..', '..', 'charts', 'startgate')

export interface InstallOptions {
  /** Chart values over the defaults. */
  values?: Record<string, unknown>
  log?: (line: string) => void
  /** Another version than that of this clone. */
  product?: Product
}

/**
 * Installs the chart with the real helm, with the product image of this checkout on every node; returns when all of it
 * is Ready and the API server asks the webhook. A release that is just this and that nobody has touched since is taken
 * as it is: suites that run side by side share it. STARTGATE_E2E_IMAGE names an image that has been built already, as
 * one run needs it once.
 */
export async function installStartgate(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  const { values = {}, log = () => undefined } = options
  const kubectl = new Kubectl(cluster.env)
  const { chart, ref } = options.product ?? { chart: CHART, ref: await ownImage(cluster, log) }
  const release = contentHash([ref, values], [chart])
  const install = async () => {
    if (await isInstalled(kubectl, release)) return log('startgate is installed already')
    log(`loading ${ref} into the nodes`)
    await loadImage(cluster, ref)
    await upgrade(cluster, { chart, ref, values, log })
    await noteInstalled(kubectl, release)
  }
  await withLock(log, install, `install-${cluster.name}.lock`)
  await untilAsked(kubectl)
  await untilWaitersAreUp(kubectl)
}

/** Where they are on: helm leaves some of them behind, as many as may be away in an upgrade. */
async function untilWaitersAreUp(kubectl: Kubectl): Promise<void> {
  const where = ['-n', SYSTEM_NAMESPACE]
  const found = await kubectl.text(['get', `daemonset/${WAITERS}`, ...where, '--ignore-not-found', '-o', 'name'])
  if (found === '') return
  await kubectl.run(['rollout', 'status', `daemonset/${WAITERS}`, ...where, `--timeout=${limits.rollout.ms / 1_000}s`])
}

/** Of this checkout. */
async function ownImage(cluster: Cluster, log: (line: string) => void): Promise<string> {
  return process.env.STARTGATE_E2E_IMAGE ?? (await buildProductImage({ cluster, log })).ref
}

type Upgrade = Required<Omit<InstallOptions, 'product'>> & Product

async function upgrade(cluster: Cluster, { chart, ref, values, log }: Upgrade): Promise<void> {
  const colon = ref.lastIndexOf(':')
  const image = { repository: ref.slice(0, colon), tag: ref.slice(colon + 1), pullPolicy: 'IfNotPresent' }
  log('helm upgrade --install')
  const args = [
    'upgrade',
    '--install',
    RELEASE,
    chart,
    '-n',
    SYSTEM_NAMESPACE,
    '--create-namespace',
    '--wait',
    '--timeout',
    '3m',
  ]
  // JSON is YAML.
  await run(['helm', ...args, '-f', '-'], { env: cluster.env, input: JSON.stringify({ image, ...values }) })
}

/** On startgate's own namespace: which release is installed, and the generations that its Deployments had then. */
const INSTALLED = 'startgate-e2e/installed'

interface Deployment {
  metadata: { name: string; generation: number }
  spec: { replicas: number }
  status: { observedGeneration?: number; updatedReplicas?: number; readyReplicas?: number; replicas?: number }
}

const deployments = async (kubectl: Kubectl): Promise<Deployment[]> =>
  (await kubectl.json<{ items: Deployment[] }>(['get', 'deployments', '-n', SYSTEM_NAMESPACE])).items

function stateOf(release: string, found: Deployment[]): string {
  return [release, ...found.map(({ metadata }) => `${metadata.name}:${metadata.generation}`)].join(' ')
}

function isUp({ metadata, spec, status }: Deployment): boolean {
  const counts = [status.replicas, status.updatedReplicas, status.readyReplicas]
  return status.observedGeneration === metadata.generation && counts.every(count => count === spec.replicas)
}

async function isInstalled(kubectl: Kubectl, release: string): Promise<boolean> {
  const path = `jsonpath={.metadata.annotations.${INSTALLED.replaceAll('.', '\\.')}}`
  const noted = await kubectl.text(['get', 'namespace', SYSTEM_NAMESPACE, '--ignore-not-found', '-o', path])
  if (noted === '') return false
  const found = await deployments(kubectl)
  return noted === stateOf(release, found) && found.every(isUp)
}

async function noteInstalled(kubectl: Kubectl, release: string): Promise<void> {
  const note = `${INSTALLED}=${stateOf(release, await deployments(kubectl))}`
  await kubectl.run(['annotate', 'namespace', SYSTEM_NAMESPACE, '--overwrite', note])
}

/** Never has a pod: those asked for are not stored. */
const PROBE_NAMESPACE = 'startgate-probe'

/**
 * After the webhook is Ready the API server's node has yet to learn where its Service leads; until then pods start
 * ungated.
 */
export async function untilAsked(kubectl: Kubectl): Promise<void> {
  const isGated = async () => (await probed(kubectl)).includes('"startgate-start"')
  await waitFor('the API server asks the webhook', isGated, limits.asked)
}

/** What becomes of a pod that is not stored, as JSON. */
export async function probed(kubectl: Kubectl): Promise<string> {
  const labels = { 'startgate.dev/injection': 'enabled' }
  await kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: PROBE_NAMESPACE, labels } }])
  const probe = JSON.stringify(pod('probe', { image: 'never-pulled' }))
  const dryRun = ['create', '-n', PROBE_NAMESPACE, '--dry-run=server', '-o', 'json', '-f', '-']
  return (await kubectl.run(dryRun, probe)).stdout
}

/** Removes the release; what is gated already goes on, since gates fail open. */
export async function uninstallStartgate(cluster: Cluster): Promise<void> {
  await run(['helm', 'uninstall', RELEASE, '-n', SYSTEM_NAMESPACE, '--ignore-not-found', '--wait'], {
    env: cluster.env,
  })
}
