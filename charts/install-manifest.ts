import { stringify } from 'yaml'
import { CHART, helm } from './helm.ts'

export const NAMESPACE = 'startgate-system'

const HEAD = `# startgate, all of it, as of the chart's values: kubectl apply --server-side -f install.yaml
# Written by \`npm run manifest\`. For anything else than these values, use the chart.
`

/**
 * The chart as one file for kubectl: its namespace first, and no hooks, which only helm runs. `args` as for
 * `helm template`, like `--set image.repository=…`. Rejects with what helm says against them.
 */
export async function installManifest(args: string[] = []): Promise<string> {
  const options = ['--namespace', NAMESPACE, '--no-hooks', ...args]
  const text = await helm(['template', 'startgate', CHART, ...options])
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }
  return `${HEAD}---\n${stringify(namespace)}${text}`
}
