import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeApi, fakeApi } from '../plugin/testing/fake-api.ts'
import { findHelm, type Manifest, render } from './helm.ts'

/* Helm that speaks to a cluster, which here has one namespace. */

let api: FakeApi
beforeAll(async () => {
  findHelm()
  api = await fakeApi()
  Object.assign(api.answers, discovery(await render()))
})
afterAll(() => api.close())

/** What the API server says it knows: the kinds that the chart has. */
function discovery(manifests: Manifest[]): FakeApi['answers'] {
  const versions = [...new Set(manifests.map(({ apiVersion }) => apiVersion))]
  const known = (version: string) =>
    [...new Set(manifests.filter(({ apiVersion }) => apiVersion === version).map(({ kind }) => kind))].map(kind => ({
      name: `${kind.toLowerCase().replace(/y$/, 'ie')}s`,
      singularName: kind.toLowerCase(),
      kind,
      namespaced: manifests.some(({ kind: other, metadata }) => other === kind && metadata.namespace !== undefined),
      verbs: ['get'],
    }))
  const groups = versions
    .filter(version => version.includes('/'))
    .map(groupVersion => {
      const [name, version] = groupVersion.split('/')
      return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } }
    })
  const lists = versions.map(version => [
    `GET ${version.includes('/') ? '/apis/' : '/api/'}${version}`,
    { kind: 'APIResourceList', groupVersion: version, resources: known(version) },
  ])
  return {
    'GET /version': { gitVersion: 'v1.31.0', major: '1', minor: '31' },
    'GET /api': { kind: 'APIVersions', versions: ['v1'] },
    'GET /apis': { kind: 'APIGroupList', apiVersion: 'v1', groups },
    ...Object.fromEntries(lists),
  }
}

/** Whether there are waiters where startgate's namespace enforces this level; undefined: there is no namespace yet. */
async function hasWaiters(level: string | undefined): Promise<boolean> {
  const labels = level === '' ? {} : { 'pod-security.kubernetes.io/enforce': level }
  api.answers['GET /api/v1/namespaces/startgate-system'] =
    level === undefined ? 404 : { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'startgate-system', labels } }
  const cluster = ['--dry-run=server', '--disable-openapi-validation', '--kubeconfig', api.kubeconfig]
  const manifests = await render(cluster)
  const config = manifests.find(({ metadata }) => metadata.name === 'startgate-config')?.data?.['config.json'] ?? ''
  const isThere = manifests.some(({ kind, metadata }) => kind === 'DaemonSet' && metadata.name.includes('waiter'))
  expect(config.includes('nodeWaiter')).toBe(isThere)
  return isThere
}

test.each([
  ['baseline', false],
  ['restricted', false],
  ['privileged', true],
  ['', true],
  [undefined, true],
])('where the namespace enforces %j there are waiters: %s', async (level, want) => {
  expect(await hasWaiters(level)).toBe(want)
  expect(api.seen).toContain('GET /api/v1/namespaces/startgate-system')
})
