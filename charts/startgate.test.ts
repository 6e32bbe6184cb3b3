import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseClusterConfig } from '../core/cluster-config.ts'
import { OWN_LABELS } from './gated-pod.ts'
import { CHART, findHelm, helm, type Manifest, nameOf, podSpecs, render } from './helm.ts'
import { restrictedViolations } from './pod-security.ts'

/** What a cluster with cert-manager and the Prometheus Operator says of itself. */
const WITH_OPERATORS = ['--api-versions', 'cert-manager.io/v1', '--api-versions', 'monitoring.coreos.com/v1']
const CASES = join(import.meta.dirname, 'testdata')

beforeAll(() => {
  findHelm()
})

function find(manifests: Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find(manifest => manifest.kind === kind && manifest.metadata.name === name)
  if (!found) throw new Error(`no ${kind} ${name} was rendered`)
  return found
}

test('helm lint has nothing to say', async () => {
  expect(await helm(['lint', '--strict', CHART, '--namespace', 'startgate-system'])).toContain('0 chart(s) failed')
})

describe.each(readdirSync(CASES))('%s', name => {
  const folder = join(CASES, name)
  let manifests: Manifest[] = []
  beforeAll(async () => {
    expect(existsSync(join(folder, 'values.yaml')), `${folder} holds no values.yaml: delete it`).toBe(true)
    manifests = await render(['--values', join(folder, 'values.yaml'), ...WITH_OPERATORS])
  })

  test('matches the golden manifests', async () => {
    const text = manifests.map(manifest => stringify(manifest, { lineWidth: 0 })).join('---\n')
    await expect(text).toMatchFileSnapshot(join(folder, 'want.yaml'))
  })

  test('the programs understand their configuration', () => {
    const config = parseClusterConfig(find(manifests, 'ConfigMap', 'startgate-config').data?.['config.json'] ?? '')
    for (const program of [config.webhook, config.leaseService]) {
      const service = find(manifests, 'Service', program.name)
      const deployment = find(manifests, 'Deployment', program.name)
      const [container] = deployment.spec?.template?.spec.containers ?? []
      const metrics = config.metrics.listenPort
      expect(service.spec?.ports).toMatchObject([
        { port: config.leaseService.port, targetPort: program.listenPort },
        { port: metrics, targetPort: metrics },
      ])
      const ports = [{ containerPort: program.listenPort }, { containerPort: metrics }]
      expect(container).toMatchObject({ image: config.image, ports })
    }
    expect(config.leaseService.serverName).toBe(`${config.leaseService.name}.${config.namespace}.svc`)
    find(manifests, 'MutatingWebhookConfiguration', config.webhook.configurationName)
  })

  test('every pod is admitted by restricted Pod Security, but for the network of a waiter', () => {
    const pods = podSpecs(manifests)
    const waiters = name === 'openshift' ? [] : ['DaemonSet startgate-system/startgate-node-waiter: hostNetwork is set']
    expect(pods.length).toBeGreaterThanOrEqual(4 + waiters.length)
    expect(pods.flatMap(([pod, spec]) => restrictedViolations(spec).map(violation => `${pod}: ${violation}`))).toEqual(
      waiters,
    )
  })

  test('whoever is given a user is given its group too, not the root group of the image', () => {
    for (const [pod, { securityContext = {} }] of podSpecs(manifests))
      expect(securityContext.runAsGroup, pod).toBe(securityContext.runAsUser)
  })

  test('our own namespace and what a cluster needs to come up are never gated', () => {
    const [webhook] = find(manifests, 'MutatingWebhookConfiguration', 'startgate').webhooks ?? []
    const skipped = ['kube-system', 'kube-public', 'kube-node-lease', 'startgate-system']
    expect(webhook).toMatchObject({
      namespaceSelector: {
        matchExpressions: expect.arrayContaining([
          { key: 'startgate.dev/injection', operator: 'In', values: ['enabled'] },
          { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: expect.arrayContaining(skipped) },
        ]),
      },
    })
  })

  test('the CA bundle is left to the webhook', () => {
    expect(stringify(find(manifests, 'MutatingWebhookConfiguration', 'startgate'))).not.toContain('caBundle')
  })
})

test.each([
  { allowOptOut: 'true', want: { matchExpressions: [{ key: 'startgate.dev/inject', operator: 'NotIn', values: ['false'] }] } },
  { allowOptOut: 'false', want: undefined },
])('with webhook.allowOptOut: $allowOptOut the API server sends what opts out: no, or yes', async ({ allowOptOut, want }) => {
  const manifests = await render(['--set', `webhook.allowOptOut=${allowOptOut}`])
  const [webhook] = find(manifests, 'MutatingWebhookConfiguration', 'startgate').webhooks ?? []
  expect((webhook as { objectSelector?: object }).objectSelector).toEqual(want)
}) // biome-ignore format: a table

describe('rights', () => {
  test('are these, and no more', async () => {
    const manifests = await render()
    const lines = manifests.flatMap(manifest =>
      (manifest.rules ?? []).map(rule => {
        const resources = rule.resources ?? []
        const what = rule.nonResourceURLs?.join() ?? resources.map(r => `${rule.apiGroups?.join()}/${r}`).join(' ')
        return `${nameOf(manifest)}: ${what} ${JSON.stringify(rule.resourceNames ?? 'any')} ${rule.verbs.join(',')}`
      }),
    )
    expect(lines).toMatchInlineSnapshot(`
      [
        "ClusterRole /startgate-discovery: admissionregistration.k8s.io/mutatingwebhookconfigurations ["startgate"] get",
        "ClusterRole /startgate-lease-service: /pods /namespaces /nodes "any" list,watch",
        "ClusterRole /startgate-lease-service: /pods "any" get",
        "ClusterRole /startgate-lease-service: /pods/status "any" patch",
        "ClusterRole /startgate-lease-service: apps/deployments apps/statefulsets apps/daemonsets "any" list,watch",
        "ClusterRole /startgate-lease-service: batch/jobs "any" list,watch",
        "ClusterRole /startgate-lease-service: discovery.k8s.io/endpointslices "any" list,watch",
        "ClusterRole /startgate-lease-service: /events "any" create",
        "ClusterRole /startgate-lease-service: authentication.k8s.io/tokenreviews "any" create",
        "ClusterRole /startgate-lease-service: authorization.k8s.io/subjectaccessreviews "any" create",
        "ClusterRole /startgate-metrics-reader: /metrics "any" get",
        "ClusterRole /startgate-node-waiter: authentication.k8s.io/tokenreviews "any" create",
        "ClusterRole /startgate-node-waiter: admissionregistration.k8s.io/mutatingwebhookconfigurations ["startgate"] get",
        "ClusterRole /startgate-test: /namespaces ["startgate-helm-test"] get",
        "ClusterRole /startgate-viewer: startgate.dev/queues "any" get",
        "ClusterRole /startgate-viewer: admissionregistration.k8s.io/mutatingwebhookconfigurations ["startgate"] get",
        "ClusterRole /startgate-webhook: /namespaces /nodes "any" list,watch",
        "ClusterRole /startgate-webhook: /limitranges /resourcequotas "any" list,watch",
        "ClusterRole /startgate-webhook: /events "any" create",
        "ClusterRole /startgate-webhook: authentication.k8s.io/tokenreviews "any" create",
        "ClusterRole /startgate-webhook: authorization.k8s.io/subjectaccessreviews "any" create",
        "ClusterRole /startgate-webhook: admissionregistration.k8s.io/mutatingwebhookconfigurations ["startgate"] get,patch",
        "Role startgate-helm-test/startgate-test: /pods "any" create,get,delete",
        "Role startgate-system/startgate-discovery: coordination.k8s.io/leases ["startgate-leader"] get",
        "Role startgate-system/startgate-discovery: /pods "any" get,list",
        "Role startgate-system/startgate-discovery: /pods/portforward "any" get,create",
        "Role startgate-system/startgate-lease-service: coordination.k8s.io/leases "any" get,list,create,update,delete",
        "Role startgate-system/startgate-lease-service: /secrets ["startgate-certificates"] get",
        "Role startgate-system/startgate-viewer: coordination.k8s.io/leases ["startgate-leader"] get",
        "Role startgate-system/startgate-viewer: /pods "any" get,list",
        "Role startgate-system/startgate-viewer: /pods/portforward "any" get,create",
        "Role startgate-system/startgate-webhook: /secrets "any" create",
        "Role startgate-system/startgate-webhook: /secrets ["startgate-webhook-certificates","startgate-certificates","startgate-ca"] get,update",
        "Role startgate-system/startgate-webhook: /services ["startgate-lease-service"] get",
        "Role startgate-system/startgate-webhook: apps/deployments ["startgate-webhook"] get",
        "Role startgate-system/startgate-webhook: coordination.k8s.io/leases ["startgate-leader"] get",
        "Role startgate-system/startgate-webhook: apps/daemonsets ["startgate-node-waiter"] get",
      ]
    `)
    expect(lines.join('\n')).not.toContain('*')
  })

  test('of a waiter: to ask whose a token is, and to read the CAs', async () => {
    const manifests = await render()
    const { rules } = find(manifests, 'ClusterRole', 'startgate-node-waiter')
    expect(rules?.map(({ resources, resourceNames, verbs }) => [resources, resourceNames, verbs])).toEqual([
      [['tokenreviews'], undefined, ['create']],
      [['mutatingwebhookconfigurations'], ['startgate'], ['get']],
    ])
    expect(manifests.filter(({ kind, metadata }) => kind === 'Role' && metadata.name.includes('waiter'))).toEqual([])
  })

  test('to look at the waiters are the webhook’s where there are any', async () => {
    const looks = async (isOn: boolean) =>
      (find(await render(['--set', `nodeWaiter.enabled=${isOn}`]), 'Role', 'startgate-webhook').rules ?? [])
        .filter(({ resources }) => resources?.includes('daemonsets'))
        .map(({ resourceNames, verbs }) => [resourceNames, verbs])
    expect(await looks(true)).toEqual([[['startgate-node-waiter'], ['get']]])
    expect(await looks(false)).toEqual([])
  })

  test('to ask who may read the metrics go where nobody is asked', async () => {
    const manifests = await render(['--set', 'metrics.authorization=false'])
    const resources = manifests.flatMap(({ rules = [] }) =>
      rules.flatMap(rule => rule.resources ?? rule.nonResourceURLs),
    )
    // The lease service's, for readers of the state API.
    expect(resources.filter(resource => resource === 'subjectaccessreviews')).toHaveLength(1)
    expect(resources).not.toContain('/metrics')
    // And the waiters', of gates.
    expect(resources.filter(resource => resource === 'tokenreviews')).toHaveLength(2)
  })

  test('to patch a status comes with the policy that allows nothing but our own conditions', async () => {
    const about = (manifests: Manifest[]) =>
      manifests
        .filter(
          ({ kind, rules }) => kind.includes('Policy') || rules?.some(rule => rule.resources?.includes('pods/status')),
        )
        .map(nameOf)
    // `null` as after an upgrade with the values of a version that did not have this one.
    for (const args of [[], ['--set', 'leaseService.writeConditions=null']])
      expect(about(await render(args))).toEqual([
        'ClusterRole /startgate-lease-service',
        'ValidatingAdmissionPolicy /startgate-lease-service-conditions',
        'ValidatingAdmissionPolicyBinding /startgate-lease-service-conditions',
      ])
    expect(about(await render(['--set', 'leaseService.writeConditions=false']))).toEqual([])
  })

  test('of readers of the state are there unless they are not wanted', async () => {
    const viewers = (manifests: Manifest[]) =>
      manifests.map(nameOf).filter(name => /startgate-(viewer|discovery)/.test(name))
    const all = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']
    // `null` as after an upgrade with the values of a version that did not have this one.
    for (const args of [[], ['--set', 'viewer=null']])
      expect(viewers(await render(args)).map(name => name.split(' ')[0])).toEqual(expect.arrayContaining(all))
    expect(viewers(await render(['--set', 'viewer.enabled=false']))).toEqual([])
  })

  test('are bound to our own accounts only', async () => {
    for (const { roleRef, subjects } of await render()) {
      if (!roleRef) continue
      expect(subjects).toEqual([{ kind: 'ServiceAccount', name: roleRef.name, namespace: 'startgate-system' }])
    }
  })
})

test('a changed value changes the checksum of the pod templates, so that replicas restart', async () => {
  const checksum = async (args: string[]) =>
    find(await render(args), 'Deployment', 'startgate-webhook').spec?.template?.metadata.annotations?.[
      'checksum/config'
    ]
  expect(await checksum(['--set', 'pullTimeout=16m'])).not.toBe(await checksum([]))
  expect(await checksum(['--set', 'webhook.replicas=5'])).toBe(await checksum([]))
})

test('helm test looks whether its namespace is its own before the hook that deletes and makes it', async () => {
  const weightOf = ({ metadata }: Manifest) => Number(metadata.annotations?.['helm.sh/hook-weight'] ?? 0)
  const manifests = await render()
  const check = find(manifests, 'Pod', 'startgate-test-check')
  const namespace = find(manifests, 'Namespace', 'startgate-helm-test')
  expect(weightOf(check)).toBeLessThan(weightOf(namespace))
  const inNamespace = manifests.filter(({ metadata }) => metadata.namespace === 'startgate-helm-test')
  for (const manifest of inNamespace) expect(weightOf(manifest)).toBeGreaterThan(weightOf(namespace))
  expect(namespace.metadata.labels).toMatchObject(OWN_LABELS)
})

describe('certificates by cert-manager', () => {
  const set = ['--set', 'certificates.provider=certManager']

  test('are refused where there is no cert-manager', async () => {
    await expect(render(set)).rejects.toThrow(
      /certificates.provider: "certManager" needs cert-manager .*; use self, or install/,
    )
  })

  test('leave each program one right: to read the Secret with its own certificate', async () => {
    const manifests = await render([...set, ...WITH_OPERATORS])
    const rules = manifests.flatMap(({ rules = [] }) => rules)
    const toRead = (name: string) => ({
      apiGroups: [''],
      resources: ['secrets'],
      resourceNames: [name],
      verbs: ['get'],
    })
    for (const program of ['webhook', 'lease-service']) {
      const certificate = find(manifests, 'Certificate', `startgate-${program}`)
      const secret = `startgate-cert-manager-${program}`
      const dnsNames = [`startgate-${program}.startgate-system.svc`]
      expect(certificate.spec).toMatchObject({ secretName: secret, dnsNames })
      const ownRules = find(manifests, 'Role', `startgate-${program}`).rules ?? []
      expect(ownRules.filter(({ resources }) => resources?.includes('secrets'))).toEqual([toRead(secret)])
    }
    const onConfigurations = rules.filter(({ resources }) => resources?.includes('mutatingwebhookconfigurations'))
    // Of people who read the state, and of the waiters, who believe these CAs.
    expect(onConfigurations.flatMap(({ verbs }) => verbs)).toEqual(['get', 'get', 'get'])
  })

  test('may come from an issuer that is there already', async () => {
    const issuer = ['--set', 'certificates.certManager.issuerRef.name=ours', '--set']
    const manifests = await render([
      ...set,
      ...issuer,
      'certificates.certManager.issuerRef.kind=ClusterIssuer',
      ...WITH_OPERATORS,
    ])
    const ours = manifests.filter(({ apiVersion }) => apiVersion === 'cert-manager.io/v1')
    expect(ours.map(nameOf)).toEqual([
      'Certificate startgate-system/startgate-lease-service',
      'Certificate startgate-system/startgate-webhook',
    ])
    for (const { spec } of ours) expect(spec).toMatchObject({ issuerRef: { name: 'ours', kind: 'ClusterIssuer' } })
  })
})

test.each(['default', 'kube-system', 'kube-public', 'kube-of-yours'])('is not installed into %s', async namespace => {
  await expect(helm(['template', 'startgate', CHART, '--namespace', namespace])).rejects.toThrow(
    new RegExp(`namespace: "${namespace}" .* use a namespace of startgate's own`),
  )
})

describe('values that are refused', () => {
  const cases: Record<string, { set: string; want: RegExp }> = {
    'a misspelled name': { set: 'limit.node.maxStarting=1', want: /additional properties 'limit' not allowed/ },
    'a misspelled limit': {
      set: 'limits.node.maxstarting=1',
      want: /'\/limits\/node'.*additional properties 'maxstarting'/,
    },
    'two listeners on one port': {
      set: 'metrics.port=8443',
      want: /metrics.port: 8443 is the port that the .*; use another/,
    },
    'a limit below 0': {
      set: 'limits.cluster.maxStarting=-1',
      want: /'\/limits\/cluster\/maxStarting'.*minimum: got -1, want 0/,
    },
    'a limit with decimals': { set: 'limits.cluster.maxPulling=1.5', want: /'\/limits\/cluster\/maxPulling'.*integer/ },
    'a pressure of 0': {
      set: 'limits.node.maxPressure.cpu=0',
      want: /'\/limits\/node\/maxPressure\/cpu'.*exclusiveMinimum/,
    },
    'pressure of what has none': {
      set: 'limits.node.maxPressure.disk=60',
      want: /'\/limits\/node\/maxPressure'.*additional properties 'disk'/,
    },
    'a pool without a selector': {
      set: 'limits.nodePools[0].maxStarting=1',
      want: /'\/limits\/nodePools\/0'.*missing property 'selector'/,
    },
    'a selector of a pool by expressions': {
      set: 'limits.nodePools[0].selector.matchExpressions[0].key=pool',
      want: /'\/limits\/nodePools\/0\/selector'.*additional properties 'matchExpressions'/,
    },
    'a share above 1': { set: 'limits.namespaceShare=2', want: /'\/limits\/namespaceShare'.*maximum: got 2, want 1/ },
    'a duration without unit': { set: 'pullTimeout=15', want: /'\/pullTimeout'.*got number, want string/ },
    'a duration in days': { set: 'pullTimeout=1d', want: /'\/pullTimeout'.*'1d' does not match pattern/ },
    'an unknown failure policy': {
      set: 'webhook.failurePolicy=ignore',
      want: /'\/webhook\/failurePolicy'.*one of 'Ignore', 'Fail'/,
    },
    'a time-out the API server refuses': {
      set: 'webhook.timeoutSeconds=31',
      want: /'\/webhook\/timeoutSeconds'.*maximum/,
    },
    'an unknown provider of certificates': {
      set: 'certificates.provider=cert-manager',
      want: /'\/certificates\/provider'.*one of 'self', 'certManager'/,
    },
    'an issuer without a name': {
      set: 'certificates.certManager.issuerRef.kind=ClusterIssuer',
      want: /'\/certificates\/certManager\/issuerRef'.*missing property 'name'/,
    },
    'no replica': { set: 'leaseService.replicas=0', want: /'\/leaseService\/replicas'.*minimum/ },
    'an API server without a port': {
      set: 'networkPolicy.apiServers[0].cidr=10.0.0.5/32',
      want: /'\/networkPolicy\/apiServers\/0'.*missing property 'port'/,
    },
    root: { set: 'runAsUser=0', want: /'\/runAsUser'.*minimum: got 0, want 1/ },
    'a digest that is none': { set: 'image.digest=latest', want: /'\/image\/digest'.*does not match pattern/ },
    'a namespace with a star': {
      set: 'skippedNamespaces={kube-*}',
      want: /'\/skippedNamespaces\/0'.*does not match pattern/,
    },
    'a workload of no namespace that all come after': {
      set: 'after={deployment/db}',
      want: /'\/after\/0'.*does not match pattern/,
    },
  }
  test.each(Object.entries(cases))('%s', async (_, { set, want }) => {
    await expect(render(['--set', set])).rejects.toThrow(want)
  })
})
