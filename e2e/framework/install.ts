import { join } from 'node:path'
import { type Cluster, loadImage } from '../cluster/cluster.ts'
import { run } from '../cluster/command.ts'
import type { Product } from '../cluster/former-product.ts'
import { buildProductImage } from '../cluster/product-image.ts'
import { Kubectl } from './kubectl.ts'
import { limits } from './limits.ts'
import { waitFor } from './wait-for.ts'
import { pod } from './workloads.ts'

export const SYSTEM_NAMESPACE = 'startgate-system'
export const RELEASE = 'startgate'

const CHART = join(import.meta.dirname, '..', '..', 'charts', 'startgate')

export interface InstallOptions {
  /** Chart values over the defaults. */
  values?: Record<string, unknown>
  log?: (line: string) => void
  /** Another version than that of this clone. */
  product?: Product
}

/**
 * Builds the product image, puts it on every node and installs the chart with the real helm; returns when all of it is Ready
 * and the API server asks the webhook.
 */
export async function installStartgate(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  const { values = {}, log = () => undefined } = options
  const { chart, ref } = options.product ?? { chart: CHART, ...(await buildProductImage({ cluster, log })) }
  log(`loading ${ref} into the nodes`)
  await loadImage(cluster, ref)
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
  await untilAsked(new Kubectl(cluster.env))
}

/** Never has a pod: those asked for are not stored. */
const PROBE_NAMESPACE = 'startgate-probe'

/** After the webhook is Ready the API server's node has yet to learn where its Service leads; until then pods start ungated. */
async function untilAsked(kubectl: Kubectl): Promise<void> {
  const labels = { 'startgate.dev/injection': 'enabled' }
  await kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: PROBE_NAMESPACE, labels } }])
  const probe = JSON.stringify(pod('probe', { image: 'never-pulled' }))
  const dryRun = ['create', '-n', PROBE_NAMESPACE, '--dry-run=server', '-o', 'json', '-f', '-']
  const isGated = async () => (await kubectl.run(dryRun, probe)).stdout.includes('"startgate-start"')
  await waitFor('the API server asks the webhook', isGated, limits.asked)
}

/** Removes the release; what is gated already goes on, since gates fail open. */
export async function uninstallStartgate(cluster: Cluster): Promise<void> {
  await run(['helm', 'uninstall', RELEASE, '-n', SYSTEM_NAMESPACE, '--ignore-not-found', '--wait'], {
    env: cluster.env,
  })
}
