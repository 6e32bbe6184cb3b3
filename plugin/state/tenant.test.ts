import { beforeAll, expect, test } from 'vitest'
import { type Manifest, render } from '../../charts/helm.ts'
import type { State } from '../../core/state-api.ts'
import type { AccessRule } from '../testing/access-rules.ts'
import { ledCluster } from '../testing/led-cluster.ts'
import { ran } from '../testing/made-io.ts'

/*
 * What the roles of the chart let a tenant's group do, with an API server on loopback that goes by them and the real
 * state API behind it. e2e/suites/plugin.e2e.ts does the same on a real one.
 */

let manifests: Manifest[] = []
beforeAll(async () => {
  manifests = await render()
})

const rulesOf = (kind: string, name: string): AccessRule[] =>
  manifests.find(each => each.kind === kind && each.metadata.name === name)?.rules ?? []

/** As docs/reference/state-api.md tells a tenant's group to be bound. */
const tenant = (cluster: readonly AccessRule[]) => ({
  cluster,
  namespaces: {
    shop: rulesOf('ClusterRole', 'startgate-viewer'),
    'startgate-system': rulesOf('Role', 'startgate-discovery'),
  },
})

const as = async (cluster: readonly AccessRule[], ...args: string[]) => {
  const { api } = await ledCluster({ token: 'shop' })
  api.rules = tenant(cluster)
  return ran([...args, '--kubeconfig', api.kubeconfig], { nowMs: () => 1_700_000_061_000 })
}

test('who may read one namespace, and find the leader, sees that one and no more', async () => {
  const discovery = rulesOf('ClusterRole', 'startgate-discovery')
  const { out, err, code } = await as(discovery, 'status', '-n', 'shop', '-o', 'json')
  expect({ err, code }).toEqual({ err: '', code: 0 })
  expect(JSON.parse(out) as State).toMatchObject({ namespace: 'shop', waiting: { total: 2 } })
  const all = await as(discovery, 'status')
  expect(all).toMatchObject({
    out: '',
    code: 3,
    err: expect.stringContaining('with a right in one namespace: -n NAME'),
  })
  const other = await as(discovery, 'status', '-n', 'bank')
  expect(other).toMatchObject({ out: '', code: 3, err: expect.stringContaining('(asked for namespace bank)') })
})

test('who may not read the webhook configuration, which no RoleBinding grants, is told what to ask for', async () => {
  const { err, code } = await as([], 'status', '-n', 'shop')
  expect(code).toBe(3)
  expect(err).toMatch(/^error: .*cannot be read: .*403.*; ask for a ClusterRoleBinding to startgate-discovery\n$/)
})

test('finding the leader is all that discovery is good for', () => {
  const rules = [...rulesOf('ClusterRole', 'startgate-discovery'), ...rulesOf('Role', 'startgate-discovery')]
  expect(rules.flatMap(({ resources, verbs }) => `${resources} ${verbs}`)).toEqual([
    'mutatingwebhookconfigurations get',
    'leases get',
    'pods get,list',
    'pods/portforward get,create',
  ])
})
