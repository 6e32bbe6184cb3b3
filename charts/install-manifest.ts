import { stringify } from 'yaml'
import { CHART, helm } from './helm.ts'

const NAMESPACE = 'startgate-system'

/**
 * All objects of the chart, a folder or an archive, as one manifest for `kubectl apply`, with the namespace they are
 * in. Tests and hooks are left out: only helm runs them. `args` as for `helm template`.
 */
export async function installManifest(chart: string = CHART, args: readonly string[] = []): Promise<string> {
  const objects = await helm([
    'template',
    'startgate',
    chart,
    '--namespace',
    NAMESPACE,
    '--no-hooks',
    '--skip-tests',
    ...args,
  ])
  const namespace = stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  return `${namespace}${objects.startsWith('---') ? '' : '---\n'}${objects}`
}

if (import.meta.main) {
  const [chart, ...args] = process.argv.slice(2)
  process.stdout.write(await installManifest(chart, args))
}
