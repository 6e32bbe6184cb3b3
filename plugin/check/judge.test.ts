import { beforeAll, describe, expect, test } from 'vitest'
import { systemKeys } from '../../certs/keys.ts'
import { createCaCertificate } from '../../certs/x509.ts'
import { parseClusterConfig } from '../../core/cluster-config.ts'
import type { Namespace, Pod } from '../../core/pod.ts'
import { goodConfig } from '../../core/testing/good-config.ts'
import { absent, known, notKnown } from '../cluster/facts.ts'
import { plain } from '../output/paint.ts'
import { checkText } from './check-text.ts'
import type { CheckFacts, NetworkPolicy, ProgramFacts, ProgramName, WaiterFacts } from './facts.ts'
import { judge } from './judge.ts'
import type { Line } from './line.ts'
import { judgePre, type PreFacts } from './pre.ts'

const NOW_MS = Date.parse('2026-06-01T12:00:00Z')
const DAY_MS = 86_400_000
let keyPem = ''
beforeAll(async () => {
  keyPem = await systemKeys.newKeyPem()
})

const bundle = (untilMs: number): string =>
  Buffer.from(
    createCaCertificate({
      keyPem,
      subject: 'a',
      serial: Buffer.alloc(8, 1),
      notBeforeMs: untilMs - 400 * DAY_MS,
      notAfterMs: untilMs,
    }),
  ).toString('base64')

const namespace = (name: string, annotations = {}, label = 'enabled'): Namespace => ({
  metadata: { name, labels: { 'startgate.dev/injection': label }, annotations },
})
const pod = (name: string, component: ProgramName, waiting?: { reason: string; message: string }): Pod => ({
  metadata: { name, labels: { 'app.kubernetes.io/name': 'startgate', 'app.kubernetes.io/component': component } },
  spec: { containers: [] },
  status: {
    containerStatuses: [{ name: component, ready: !waiting, restartCount: 0, ...(waiting && { state: { waiting } }) }],
  },
})
const program = (name: ProgramName, changes: Partial<ProgramFacts> = {}): ProgramFacts => ({
  deployment: known({
    metadata: { labels: { 'app.kubernetes.io/version': '0.1.0' } },
    spec: { replicas: 2, template: { spec: { containers: [{ name, image: 'r.example/startgate:0.1.0' }] } } },
    status: { availableReplicas: 2 },
  }),
  endpoints: known([{ addresses: ['10.0.0.7'], conditions: { ready: true } }]),
  pods: known([pod(`startgate-${name}-1`, name)]),
  certificate: known({ notAfterMs: NOW_MS + 5 * DAY_MS }),
  ...changes,
})
const lease = (ageMs: number, holder = 'startgate-lease-service-1_x') => ({
  spec: { holderIdentity: holder, leaseDurationSeconds: 7, renewTime: new Date(NOW_MS - ageMs).toISOString() },
  serverMs: NOW_MS,
})

const facts = (changes: Partial<CheckFacts> = {}): CheckFacts => ({
  nowMs: NOW_MS,
  pluginVersion: '0.1.0',
  api: known({ gitVersion: 'v1.31.2', major: '1', minor: '31' }),
  startgateNamespace: 'startgate-system',
  missingRights: [],
  webhook: webhook(bundle(NOW_MS + 300 * DAY_MS)),
  programs: { webhook: program('webhook'), 'lease-service': program('lease-service') },
  config: known(parseClusterConfig(JSON.stringify(goodConfig()))),
  leader: known(lease(900)),
  ownNamespace: known({ metadata: { name: 'startgate-system' } }),
  namespaces: known([namespace('shop')]),
  policies: known([]),
  pendingPods: known([]),
  trial: known({ namespace: 'shop', gated: true, warnings: [] }),
  ...changes,
})
const webhook = (caBundle: string | undefined) =>
  known({
    metadata: {},
    webhooks: [
      {
        name: 'pods.startgate.dev',
        failurePolicy: 'Ignore',
        clientConfig: {
          service: { namespace: 'startgate-system', name: 'startgate-webhook' },
          ...(caBundle !== undefined && { caBundle }),
        },
      },
    ],
  })

test('where all is well every line is good', () => {
  expect(judge(facts()).filter(({ verdict }) => verdict !== 'ok')).toEqual([])
})

type Want = [verdict: Line['verdict'], id: string, sentence: RegExp]
const cases: Record<string, { given: () => Partial<CheckFacts>; want: Want }> = {
  'the API server does not answer': { given: () => ({ api: notKnown('GET /version: connect ECONNREFUSED') }), want: ['bad', 'api', /cannot be asked: .*ECONNREFUSED/] },
  'the credentials have expired': { given: () => ({ api: notKnown('401 Unauthorized', true) }), want: ['bad', 'api', /401/] },
  'the cluster is too old': { given: () => ({ api: known({ gitVersion: 'v1.29.4', major: '1', minor: '29+' }) }), want: ['bad', 'version', /v1\.29\.4, which is too old/] },
  'it is not installed': { given: () => ({ webhook: absent }), want: ['bad', 'installed', /not installed/] },
  'there is no caBundle': { given: () => ({ webhook: webhook(undefined) }), want: ['bad', 'ca-bundle', /no caBundle/] },
  'the caBundle is broken': { given: () => ({ webhook: webhook(Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----').toString('base64')) }), want: ['bad', 'ca-bundle', /no valid PEM/] },
  'the CAs have expired': { given: () => ({ webhook: webhook(bundle(NOW_MS - 3 * DAY_MS)) }), want: ['bad', 'ca-bundle', /expired 3 d ago/] },
  'a program cannot get its image': {
    given: () => ({ programs: { webhook: program('webhook', { deployment: known({ metadata: {}, spec: { replicas: 2 } }), pods: known([pod('p', 'webhook', { reason: 'ImagePullBackOff', message: 'no such host' })]) }), 'lease-service': program('lease-service') } }),
    want: ['bad', 'webhook-deployment', /0 of 2 replicas .*pod p: ImagePullBackOff: no such host/],
  },
  'one replica of two is missing': {
    given: () => ({ programs: { webhook: program('webhook'), 'lease-service': program('lease-service', { deployment: known({ metadata: {}, spec: { replicas: 2 }, status: { availableReplicas: 1 } }) }) } }),
    want: ['warning', 'lease-service-deployment', /1 of 2/],
  },
  'the Service of the webhook has no endpoints': {
    given: () => ({ programs: { webhook: program('webhook', { endpoints: known([{ addresses: ['10.0.0.7'], conditions: { ready: false } }]) }), 'lease-service': program('lease-service') } }),
    want: ['bad', 'webhook-endpoints', /no ready endpoint, so API servers reach no webhook/],
  },
  'a serving certificate has expired': {
    given: () => ({ programs: { webhook: program('webhook'), 'lease-service': program('lease-service', { certificate: known({ notAfterMs: NOW_MS - 7_200_000 }) }) } }),
    want: ['bad', 'lease-service-certificate', /expired 2 h ago/],
  },
  'a serving certificate is of another CA': {
    given: () => ({ programs: { webhook: program('webhook', { certificate: known({ notAfterMs: NOW_MS + DAY_MS * 3, problem: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }) }), 'lease-service': program('lease-service') } }),
    want: ['bad', 'webhook-certificate', /not trusted by the webhook's caBundle: UNABLE/],
  },
  'startgate is older than the plugin': { given: () => ({ pluginVersion: '0.2.0' }), want: ['warning', 'webhook-version', /webhook is 0\.1\.0 .*this plugin 0\.2\.0/] },
  'nobody has ever led': { given: () => ({ leader: absent }), want: ['bad', 'leader', /ever led/] },
  'the leader is gone': { given: () => ({ leader: known({ ...lease(60_000), renewed: false }) }), want: ['bad', 'leader', /nobody leads \(it was startgate-lease-service-1\), the last sign of life is 60 s old/] },
  'the leader has stepped down': { given: () => ({ leader: known(lease(500, '')) }), want: ['bad', 'leader', /nobody leads, /] },
  'the leader is a pod that is not there': { given: () => ({ leader: known(lease(500, 'other_x')) }), want: ['warning', 'leader', /other leads by the Lease, and there is no such pod/] },
  "the leader's clock is behind": { given: () => ({ leader: known({ ...lease(300_000), renewed: true }) }), want: ['warning', 'clocks', /5 min behind/] },
  "the leader's clock is ahead": { given: () => ({ leader: known({ ...lease(-30_000), renewed: true }) }), want: ['warning', 'clocks', /30 s ahead/] },
  'the webhook does not answer': { given: () => ({ trial: known({ namespace: 'shop', gated: false, warnings: ['startgate: not gated, the webhook has just started'] }) }), want: ['bad', 'webhook-answers', /gets no gates \(startgate: not gated, the webhook has just started\)/] },
  'no namespace is opted in': { given: () => ({ namespaces: known([]) }), want: ['warning', 'namespaces', /no namespace is opted in/] },
  'a namespace has a label that means nothing': { given: () => ({ namespaces: known([namespace('shop', {}, 'true')]) }), want: ['warning', 'namespace-label', /"true" does not opt it in/] },
  'a namespace has a bad annotation': { given: () => ({ namespaces: known([namespace('shop', { 'startgate.dev/max-starting': 'two' })]) }), want: ['bad', 'namespace-annotation', /namespace shop: startgate\.dev\/max-starting: "two" is not a valid/] },
  'a namespace is one of those never gated': { given: () => ({ namespaces: known([namespace('kube-system')]) }), want: ['warning', 'namespace-skipped', /kube-system/] },
  'a namespace wants what the chart does not allow': { given: () => ({ namespaces: known([namespace('shop', { 'startgate.dev/weight': '2' })]) }), want: ['warning', 'namespace-permission', /weight counts for nothing/] },
  'a namespace is frozen': { given: () => ({ namespaces: known([namespace('shop', { 'startgate.dev/max-starting': '0' })]) }), want: ['warning', 'namespace-frozen', /shop is frozen/] },
  'a namespace is frozen by somebody': { given: () => ({ namespaces: known([namespace('shop', { 'startgate.dev/frozen': 'alice: x' })]) }), want: ['warning', 'namespace-frozen', /shop is frozen by alice: x$/] },
  'the cluster is frozen': { given: () => ({ ownNamespace: known({ metadata: { annotations: { 'startgate.dev/frozen': 'bob: y' } } }) }), want: ['warning', 'cluster-frozen', /the cluster is frozen, nothing starts: by bob: y$/] },
  'nodes cannot get the image of gates': {
    given: () => ({ pendingPods: known([{ metadata: { namespace: 'shop', name: 'web' }, spec: { containers: [] }, status: { initContainerStatuses: [{ name: 'startgate-pull', ready: false, restartCount: 0, state: { waiting: { reason: 'ErrImagePull', message: 'denied' } } }] } }]) }),
    want: ['bad', 'gate-image', /^1 pods cannot get .*as shop\/web: startgate-pull: ErrImagePull: denied$/],
  },
  'a network policy denies all egress': { given: () => ({ policies: known([policy({})]) }), want: ['bad', 'network-policy', /namespace shop: NetworkPolicy p keeps gates/] },
  'a right is missing': { given: () => ({ missingRights: ['list namespaces'], namespaces: notKnown('403 Forbidden', true) }), want: ['unknown', 'rights', /you may not list namespaces/] },
} // biome-ignore format: a table
test.each(Object.entries(cases))('named, and with a remedy: %s', (_, { given, want: [verdict, id, sentence] }) => {
  const lines = judge(facts(given()))
  const found = lines.find(line => line.id === id && line.verdict === verdict)
  expect(found?.sentence).toMatch(sentence)
  expect(found?.remedy).toMatch(/\S/)
  expect(lines.filter(line => line.verdict === 'bad' && line !== found)).toEqual([])
})

test("a pod that lacks an image of its own is not startgate's trouble", () => {
  const waiting = { reason: 'ErrImagePull', message: 'denied' }
  const step = { name: 'startgate-image-1', ready: false, restartCount: 0, state: { waiting } }
  const pod = {
    metadata: { namespace: 'shop', name: 'web' },
    spec: { containers: [] },
    status: { initContainerStatuses: [step] },
  }
  const found = judge(facts({ pendingPods: known([pod]) })).filter(({ id }) => id === 'gate-image')
  expect(found).toEqual([expect.objectContaining({ verdict: 'ok' })])
})

const policy = (spec: NonNullable<NetworkPolicy['spec']>, name = 'p'): NetworkPolicy => ({
  metadata: { name, namespace: 'shop' },
  spec: { podSelector: {}, policyTypes: ['Egress'], ...spec },
})
const SYSTEM = { matchLabels: { 'kubernetes.io/metadata.name': 'startgate-system' } }
const SERVICE = { matchLabels: { 'app.kubernetes.io/component': 'lease-service' } }
const gated = { podSelector: { matchLabels: { 'startgate.dev/gated': 'true' } } }
const way = (to: object, ports: object[] = [{ port: 8443 }]) => ({ egress: [{ to: [to], ports }] }) as object

describe('network policies', () => {
  const policies: Record<string, { given: NetworkPolicy[]; want: Line['verdict'] }> = {
    'one about ingress': { given: [policy({ policyTypes: ['Ingress'] })], want: 'ok' },
    'one of another namespace': { given: [{ ...policy({}), metadata: { name: 'p', namespace: 'other' } }], want: 'ok' },
    'all egress, without types': { given: [{ metadata: { name: 'p', namespace: 'shop' }, spec: { podSelector: {}, egress: [{}] } }], want: 'ok' },
    'DNS only': { given: [policy({ egress: [{ ports: [{ protocol: 'UDP', port: 53 }, { port: 53 }] }] })], want: 'bad' },
    'the way of the guide': { given: [policy({}), policy({ ...gated, ...way({ namespaceSelector: SYSTEM, podSelector: SERVICE }) }, 'startgate')], want: 'ok' },
    'the way of the guide to another port': { given: [policy({}), policy({ ...gated, ...way({ namespaceSelector: SYSTEM, podSelector: SERVICE }, [{ port: 9 }]) })], want: 'bad' },
    'a port among many': { given: [policy(way({ namespaceSelector: {} }, [{ port: 8000, endPort: 9000 }]))], want: 'ok' },
    'pods of the own namespace only': { given: [policy(way({ podSelector: {} }))], want: 'bad' },
    'the range of the pods': { given: [policy(way({ ipBlock: { cidr: '10.0.0.0/8' } }))], want: 'ok' },
    'all addresses but private ones': { given: [policy(way({ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }))], want: 'bad' },
    'a range that is none': { given: [policy(way({ ipBlock: { cidr: 'x/y' } }))], want: 'bad' },
    'some pods only': { given: [policy({ podSelector: { matchLabels: { app: 'db' } } })], want: 'warning' },
    'by expressions, all but some': { given: [policy({ podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['x'] }] } })], want: 'bad' },
  } // biome-ignore format: a table
  test.each(Object.entries(policies))('%s', (_, { given, want }) => {
    const lines = judge(facts({ policies: known(given) })).filter(({ id }) => id.startsWith('network-polic'))
    expect(lines.map(({ verdict }) => verdict)).toEqual([want])
  })
})

const waiters = (wanted: number, available: number, over: Partial<WaiterFacts> = {}): Partial<CheckFacts> => ({
  config: known(
    parseClusterConfig(JSON.stringify({ ...goodConfig(), nodeWaiter: { name: 'startgate-node-waiter', port: 7373 } })),
  ),
  waiters: {
    daemonSet: known({
      status: { desiredNumberScheduled: wanted, currentNumberScheduled: wanted, numberAvailable: available },
    }),
    pods: known([]),
    refusals: known([]),
    ...over,
  },
})
const refused = (message: string, taken = 0): Partial<CheckFacts> =>
  waiters(3, taken, {
    daemonSet: known({
      status: {
        desiredNumberScheduled: 3,
        currentNumberScheduled: taken,
        ...(taken > 0 && { numberAvailable: taken }),
      },
    }),
    refusals: known([message]),
  })
const POD_SECURITY = 'Error creating: pods "x" is forbidden: violates PodSecurity "baseline:latest": host namespaces'
const CONSTRAINT = 'Error creating: pods "x" is forbidden: unable to validate against any security context constraint'
const LAST_WORDS = '{"level":30,"msg":"x"}\n{"level":60,"msg":"nodeWaiter.port: \\"7373\\" is taken on this node"}\n'
const crashing = (): Pod => {
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s' }
  const lastState = { terminated: { exitCode: 1, message: LAST_WORDS } }
  const status = { name: 'node-waiter', ready: false, restartCount: 3, state: { waiting }, lastState }
  return { metadata: { name: 'w-1' }, spec: { containers: [] }, status: { containerStatuses: [status] } }
}

describe("nodes' waiters", () => {
  const given: Record<string, { given: Partial<CheckFacts>; want: [Line['verdict'], RegExp, RegExp] }> = {
    'are all there': { given: waiters(3, 3), want: ['ok', /^3 of 3 nodes/, /^$/] },
    'are not admitted by Pod Security': { given: refused(POD_SECURITY), want: ['bad', /^0 of 3 .*PodSecurity "baseline:latest"/, /enforce=privileged, or set .*nodeWaiter\.enabled: false/] },
    'are admitted no more': { given: refused(POD_SECURITY, 2), want: ['warning', /^2 of 3 /, /enforce=privileged/] },
    'are not admitted by OpenShift': { given: refused(CONSTRAINT), want: ['bad', /security context constraint/, /^oc adm policy .*hostnetwork-v2/] },
    'are not admitted by something else': { given: refused('denied by the request'), want: ['bad', /denied by the request/, /^let the API server admit/] },
    'find their port taken': { given: waiters(3, 2, { pods: known([crashing()]) }), want: ['warning', /CrashLoopBackOff: nodeWaiter\.port: "7373" is taken/, /kubectl describe pods/] },
    'were refused once, and are starting': { given: waiters(3, 2, { refusals: known([POD_SECURITY]) }), want: ['warning', /5 s later$/, /kubectl describe pods/] },
    'are for no node': { given: waiters(0, 0), want: ['bad', /^0 of 0/, /describe/] },
    'have no DaemonSet': { given: waiters(0, 0, { daemonSet: absent }), want: ['bad', /no DaemonSet startgate-node-waiter/, /helm upgrade/] },
    'may not be read': { given: waiters(0, 0, { daemonSet: notKnown('403 Forbidden', true) }), want: ['unknown', /could not be read/, /ask for the right/] },
    'are there, and their Events may not be read': { given: waiters(2, 1, { refusals: notKnown('403', true), pods: notKnown('403', true) }), want: ['warning', /^1 of 2/, /describe/] },
  } // biome-ignore format: a table
  test.each(Object.entries(given))('%s', (_, { given, want: [verdict, sentence, remedy] }) => {
    const found = judge(facts(given)).filter(({ id }) => id === 'node-waiters')
    expect(found).toMatchObject([{ verdict, sentence: expect.stringMatching(sentence) }])
    expect(found[0]?.remedy ?? '').toMatch(remedy)
  })

  const auto = { 'startgate.dev/max-starting-per-node': 'auto' }
  const limits = (maxStarting: 'auto' | number) => ({
    config: known(
      parseClusterConfig(
        JSON.stringify({
          ...goodConfig(),
          limits: { ...goodConfig().limits, node: { ...goodConfig().limits.node, maxStarting } },
        }),
      ),
    ),
  })
  const without: Record<string, { given: Partial<CheckFacts>; want: RegExp[] }> = {
    "auto is the chart's": { given: limits('auto'), want: [/^the chart says auto .*usual number/] },
    "auto is a namespace's": { given: { ...limits(2), namespaces: known([namespace('shop', auto)]) }, want: [/^namespace shop says auto/] },
    'all limits are numbers': { given: limits(2), want: [] },
  } // biome-ignore format: a table
  test.each(Object.entries(without))('are off, and %s', (_, { given, want }) => {
    const found = judge(facts(given)).filter(({ id }) => id === 'node-waiters')
    expect(found).toEqual(
      want.map(sentence => expect.objectContaining({ verdict: 'warning', sentence: expect.stringMatching(sentence) })),
    )
  })

  test('let gates through where a NetworkPolicy lets out nothing, and not the agents', () => {
    const lines = judge(facts({ ...waiters(3, 3), policies: known([policy({})]) }))
    expect(lines.filter(({ verdict }) => verdict !== 'ok')).toMatchObject([
      { verdict: 'warning', sentence: expect.stringContaining('keeps the agents (of a declared order) from') },
    ])
  })
})

test('before installing: what is there already, rights, and the name', () => {
  const good: PreFacts = {
    api: facts().api,
    webhook: absent,
    startgateNamespace: 'startgate-system',
    missingRights: [],
  }
  expect(judgePre(good).map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
  const worse = {
    ...good,
    webhook: facts().webhook,
    startgateNamespace: 'kube-system',
    missingRights: ['create secrets'],
  }
  expect(judgePre(worse).map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'warning', 'bad', 'bad'])
})

test('the text marks each line and ends with what it comes to', () => {
  const lines = judge(facts({ leader: absent, missingRights: ['get pods/portforward in startgate-system'] }))
  const text = checkText(lines, plain)
  expect(text).toMatch(/^✓ the API server answers\n✓ Kubernetes is v1\.31\.2\n\? you may not /)
  expect(text).toMatch(/✗ no lease service has ever led: .*\n {2}→ kubectl logs/)
  expect(text).toMatch(/\n\n1 wrong, 1 not known, \d+ good\.\n$/)
})
