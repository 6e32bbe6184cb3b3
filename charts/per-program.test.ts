import { describe, expect, test } from 'vitest'
import { type Manifest, nameOf, render } from './helm.ts'

const set = (...values: string[]): string[] => values.flatMap(value => ['--set', value])

interface Deployed {
  strategy: { rollingUpdate: { maxSurge: number; maxUnavailable: number } }
  template: { spec: Record<string, unknown> }
}

function deployed(manifests: Manifest[], name: string): Deployed {
  const found = manifests.find(manifest => manifest.kind === 'Deployment' && manifest.metadata.name === name)
  if (!found) throw new Error(`no Deployment ${name} was rendered`)
  return found.spec as unknown as Deployed
}

describe('hostNetwork', () => {
  test('of one program leaves the other alone; a new replica waits for the port of an old one', async () => {
    const manifests = await render(set('webhook.hostNetwork=true'))
    const webhook = deployed(manifests, 'startgate-webhook')
    expect(webhook.template.spec).toMatchObject({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' })
    expect(webhook.strategy.rollingUpdate).toEqual({ maxUnavailable: 1, maxSurge: 0 })
    const other = deployed(manifests, 'startgate-lease-service')
    expect(other.template.spec).not.toHaveProperty('hostNetwork')
    expect(other.template.spec).not.toHaveProperty('dnsPolicy')
    expect(other.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 })
  })

  test('takes another DNS policy', async () => {
    const manifests = await render(set('leaseService.hostNetwork=true', 'leaseService.dnsPolicy=Default'))
    expect(deployed(manifests, 'startgate-lease-service').template.spec.dnsPolicy).toBe('Default')
  })
})

test('whatever an account is called, rights and the policy on statuses are about it', async () => {
  const manifests = await render(set('leaseService.serviceAccount.name=mine'))
  expect(deployed(manifests, 'startgate-lease-service').template.spec.serviceAccountName).toBe('mine')
  const bound = manifests.filter(({ roleRef }) => roleRef?.name === 'startgate-lease-service')
  expect(bound.map(({ subjects }) => subjects?.map(({ name }) => name))).toEqual([['mine'], ['mine']])
  const policy = manifests.find(({ kind }) => kind === 'ValidatingAdmissionPolicy')
  expect(JSON.stringify(policy)).toContain("'system:serviceaccount:startgate-system:mine'")
  expect(manifests.map(nameOf)).toContain('ServiceAccount startgate-system/mine')
})

test('a spread constraint of yours without a selector is about the pods of its program', async () => {
  const manifests = await render(
    set('topologySpreadConstraints[0].topologyKey=rack', 'webhook.topologySpreadConstraints[0].topologyKey=host'),
  )
  const spread = (name: string) => deployed(manifests, name).template.spec.topologySpreadConstraints
  const selected = (component: string) => ({
    matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': component }),
  })
  expect(spread('startgate-lease-service')).toEqual([{ topologyKey: 'rack', labelSelector: selected('lease-service') }])
  expect(spread('startgate-webhook')).toEqual([{ topologyKey: 'host', labelSelector: selected('webhook') }])
})

test('a common label is on every object', async () => {
  const manifests = await render(set('commonLabels.team=platform'))
  expect(manifests.filter(({ metadata }) => metadata.labels?.team !== 'platform').map(nameOf)).toEqual([])
})

describe('refused', () => {
  const cases: Record<string, { args: string[]; want: RegExp }> = {
    'a common label that is ours': {
      args: set('commonLabels.app\\.kubernetes\\.io/name=mine'),
      want: /commonLabels: "app.kubernetes.io\/name" is a label that the chart sets itself; use another name/,
    },
    'a label of pods that is ours': {
      args: set('podLabels.helm\\.sh/chart=mine'),
      want: /podLabels: "helm.sh\/chart" is a label that the chart sets itself; use another name/,
    },
    'no account': {
      args: set('webhook.serviceAccount.create=false'),
      want: /serviceAccount.create: false needs serviceAccount.name of the webhook, an account that is there/,
    },
    'one account for both programs': {
      args: set('webhook.serviceAccount.name=mine', 'leaseService.serviceAccount.name=mine'),
      want: /webhook and leaseService both have serviceAccount.name: mine, which would have both programs' rights; use two accounts/,
    },
    "the other program's account": {
      args: set('webhook.serviceAccount.name=startgate-lease-service'),
      want: /both have serviceAccount.name: startgate-lease-service/,
    },
    'a variable that is ours': {
      args: set('webhook.extraEnv[0].name=POD_IP'),
      want: /'\/webhook\/extraEnv\/0\/name'.*'not' failed/,
    },
    'arguments, of which the programs take none': {
      args: set('webhook.extraArgs[0]=--x'),
      want: /'\/webhook'.*additional properties 'extraArgs'/,
    },
    'a condition of the name of ours': {
      args: set('webhook.matchConditions[0].name=not-our-namespace', 'webhook.matchConditions[0].expression=true'),
      want: /'\/webhook\/matchConditions\/0\/name'.*'not' failed/,
    },
    'a part that is none': {
      args: set('webhook.podDisruptionBudget.maxUnavailable=half'),
      want: /'\/webhook\/podDisruptionBudget\/maxUnavailable'.*does not match pattern/,
    },
    'an unknown IP family': {
      args: set('service.ipFamilies={IPv5}'),
      want: /'\/service\/ipFamilies\/0'.*one of 'IPv4', 'IPv6'/,
    },
  }
  test.each(Object.entries(cases))('%s', async (_, { args, want }) => {
    await expect(render(args)).rejects.toThrow(want)
  })
})
