import { join } from 'node:path'
import { type Cluster, loadImage } from '../cluster/cluster.ts'
import { run } from '../cluster/command.ts'
import { buildProductImage } from '../cluster/product-image.ts'

export const SYSTEM_NAMESPACE = 'startgate-system'
export const RELEASE = 'startgate'

const CHART = join(import.meta.dirname, '..', '..', 'charts', 'startgate')

export interface InstallOptions {
  /** Chart values over the defaults. */
  values?: Record<string, unknown>
  log?: (line: string) => void
}

/** Builds the product image, puts it on every node and installs the chart with the real helm; returns when all of it is Ready. */
export async function installStartgate(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  const { values = {}, log = () => undefined } = options
  const { ref } = await buildProductImage({ cluster, log })
  log(`loading ${ref} into the nodes`)
  await loadImage(cluster, ref)
  const colon = ref.lastIndexOf(':')
  const image = { repository: ref.slice(0, colon), tag: ref.slice(colon + 1), pullPolicy: 'IfNotPresent' }
  log('helm upgrade --install')
  const args = [
    'upgrade',
    '--install',
    RELEASE,
    CHART,
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

/** Removes the release; what is gated already goes on, since gates fail open. */
export async function uninstallStartgate(cluster: Cluster): Promise<void> {
  await run(['helm', 'uninstall', RELEASE, '-n', SYSTEM_NAMESPACE, '--ignore-not-found', '--wait'], {
    env: cluster.env,
  })
}
