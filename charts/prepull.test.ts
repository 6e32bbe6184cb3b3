import { expect, test } from 'vitest'
import { type Manifest, nameOf, podSpecs, render } from './helm.ts'
import { restrictedViolations } from './pod-security.ts'

const ON = ['--set', 'prepull.enabled=true']

const NAME = 'startgate-prepull'

const daemonSets = (manifests: Manifest[]): Manifest[] =>
  manifests.filter(({ kind, metadata }) => kind === 'DaemonSet' && metadata.name === NAME)

test('there is none unless asked for', async () => {
  expect(daemonSets(await render())).toEqual([])
})

test('its pods have the very image that gates have, on every node, with no rights and next to no resources', async () => {
  const manifests = await render([...ON, '--set', `image.digest=sha256:${'a'.repeat(64)}`])
  const config = JSON.parse(manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['config.json'] ?? '') as object
  const spec = podSpecs(manifests).find(([name]) => name === `DaemonSet startgate-system/${NAME}`)?.[1]
  expect(spec).toMatchObject({
    automountServiceAccountToken: false,
    tolerations: [{ operator: 'Exists' }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    containers: [{ image: (config as { image: string }).image, imagePullPolicy: 'IfNotPresent' }],
  })
  expect(spec && restrictedViolations(spec)).toEqual([])
})

test('an empty list of tolerations is none', async () => {
  const [prepull] = daemonSets(await render([...ON, '--set-json', 'prepull.tolerations=[]']))
  expect(prepull?.spec?.template?.spec).not.toHaveProperty('tolerations')
})

test('a class whose pods are counted is refused, since no quota has room for one on every node', async () => {
  const critical = [...ON, '--set', 'prepull.priorityClassName=system-cluster-critical']
  await expect(render(critical)).rejects.toThrow(/prepull.priorityClassName: .* has no room .*; use another class, or/)
  const names = (await render([...critical, '--set', 'criticalPodsQuota=false'])).map(nameOf)
  expect(names).toContain('DaemonSet startgate-system/startgate-prepull')
})
