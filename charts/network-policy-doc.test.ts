import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { GATED_LABEL } from '../core/names.ts'
import { render } from './helm.ts'

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'guides', 'restricted-networks.md'), 'utf8')
const [tenants = ''] = [...page.matchAll(/^```yaml\n([^`]*)^```$/gm)].map(([, text]) => text)

test("the policy for tenants lets gates reach the lease service's pods, as the chart labels them and where they listen", async () => {
  const { spec } = parse(tenants)
  expect(spec.podSelector.matchLabels).toEqual({ [GATED_LABEL]: 'true' })
  const [{ to, ports }] = spec.egress
  const service = (await render()).find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'startgate-lease-service',
  )
  expect(service?.metadata.namespace).toBe(to[0].namespaceSelector.matchLabels['kubernetes.io/metadata.name'])
  const template = service?.spec?.template
  expect(template?.metadata.labels).toMatchObject(to[0].podSelector.matchLabels)
  const container = template?.spec.containers[0] as { ports?: { containerPort: number }[] }
  expect(container.ports?.map(({ containerPort }) => containerPort)).toContain(ports[0].port)
})
