import { beforeAll, expect, test } from 'vitest'
import { postReview } from '../clients/webhook-request.ts'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { run } from '../cluster/command.ts'
import { CAS, SERVING } from '../harness/certificates.ts'
import { RELEASE, SYSTEM_NAMESPACE } from '../harness/install.ts'
import { pod } from '../harness/pod-templates.ts'
import { podIs } from '../harness/pod-waits.ts'
import { portForward } from '../harness/port-forward.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { programPods } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const helm = (args: string[]) => run(['helm', ...args], { env: session.cluster.env })
const system = (args: string[]) => session.kubectl.run([...args, '-n', SYSTEM_NAMESPACE])

interface Configuration {
  webhooks: { failurePolicy: string; timeoutSeconds: number; clientConfig: { caBundle?: string } }[]
}
const configuration = () => session.kubectl.json<Configuration>(['get', 'mutatingwebhookconfiguration', 'startgate'])
const caBundle = async () => (await configuration()).webhooks[0]?.clientConfig.caBundle

test('helm test gates a pod and passes', async () => {
  const { stdout } = await helm(['test', RELEASE, '-n', SYSTEM_NAMESPACE])
  expect(stdout).toMatch(/Phase:\s+Succeeded/)
})

test("helm test refuses a namespace of its name that is somebody else's, and leaves it alone", async () => {
  const name = 'startgate-helm-test'
  const { kubectl } = session
  const mine = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine', namespace: name } }
  await kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, mine])
  try {
    const refusal = await helm(['test', RELEASE, '-n', SYSTEM_NAMESPACE, '--logs']).catch(String)
    expect(refusal).toContain('pod startgate-test-check failed')
    const { stdout } = await system(['logs', 'startgate-test-check'])
    expect(stdout).toMatch(/FAILED: namespace startgate-helm-test is there without .* so it is somebody's/)
    await kubectl.run(['get', 'configmap', 'mine', '-n', name])
  } finally {
    await kubectl.run(['delete', 'namespace', name, '--wait'])
  }
})

test.each(['webhook', 'lease-service'])(
  'the replicas of the %s are on different nodes, of a rollout too',
  async component => {
    await system(['rollout', 'restart', `deployment/startgate-${component}`])
    await system(['rollout', 'status', `deployment/startgate-${component}`, '--timeout=150s'])
    const nodes = async () => {
      const which = ['-l', `app.kubernetes.io/component=${component}`, '--field-selector=status.phase=Running']
      const { stdout } = await system(['get', 'pods', ...which, '-o', 'jsonpath={.items[*].spec.nodeName}'])
      const names = stdout.split(' ')
      return names.length === 2 && names
    }
    expect(new Set(await waitFor('the former replicas are gone', nodes, limits.rollout)).size).toBe(2)
  },
)

test('the webhook can never block a pod: it is ignored when it fails, and soon', async () => {
  const [webhook] = (await configuration()).webhooks
  expect(webhook).toMatchObject({ failurePolicy: 'Ignore', timeoutSeconds: 5 })
})

test('a caBundle that somebody wiped comes back, and deleted Secrets are made anew and served without a restart', async () => {
  const observer = await observerFor(session)
  const wiped = JSON.stringify([{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: '' }])
  await session.kubectl.run(['patch', 'mutatingwebhookconfiguration', 'startgate', '--type=json', `--patch=${wiped}`])
  const before = await waitFor('the CA bundle is back', caBundle, limits.settingSeen)

  const running = await programPods(session.kubectl)
  await system(['delete', 'secret', ...Object.values(SERVING), CAS])
  await waitFor(
    'another CA bundle',
    async () => (await caBundle()) !== before && (await caBundle()),
    limits.settingSeen,
  )
  const namespace = await namespaceFor(session, { word: 'recert', gated: true })
  // Served by both programs: gated by the one, granted by the other.
  const gated = async () => {
    await namespace.kubectl.run(['delete', 'pod', 'probe', '-n', namespace.name, '--ignore-not-found', '--now'])
    await namespace.apply([pod('probe', { image: APP_IMAGE })])
    const { spec } = await session.kubectl.json<{ spec: { initContainers?: { name: string }[] } }>([
      'get',
      'pod',
      'probe',
      '-n',
      namespace.name,
    ])
    return spec.initContainers?.some(({ name }) => name === 'startgate-start')
  }
  await waitFor('a pod is gated again', gated, limits.podReady)
  await podIs(observer, [namespace.name, 'probe'], { phase: 'ready' }, limits.podReady)
  expect(await programPods(session.kubectl)).toEqual(running)
})

test('a malformed, a foreign and a huge review get one clear answer each, and the webhook serves on', async () => {
  const post = async (body: string) => {
    // One forward each: kubectl gives up a forward whose other side closes early, as a server does on a body too large.
    const forward = await portForward(session.cluster, SYSTEM_NAMESPACE, 'service/startgate-webhook', 443)
    return postReview(forward.port, body).finally(forward.close)
  }
  expect(await post('{')).toMatchObject({ status: 400, body: { message: expect.stringContaining('not valid JSON') } })
  expect(await post('{}')).toMatchObject({ status: 400, body: { code: 'MALFORMED_REVIEW' } })
  const review = (version: string, more: object = {}) =>
    JSON.stringify({
      apiVersion: `admission.k8s.io/${version}`,
      kind: 'AdmissionReview',
      request: { uid: 'u-1', ...more },
    })
  expect(await post(review('v9'))).toMatchObject({ status: 400, body: { message: expect.stringContaining('v9') } })
  // The webhook answers and closes before it has read all, and what TCP then resets may take the answer with it.
  const huge = () => post(review('v1', { padding: 'x'.repeat(11 * 1024 * 1024) })).catch(() => undefined)
  expect(await waitFor('an answer to a huge review', huge, limits.settingSeen)).toMatchObject({ status: 413 })
  expect(await post(review('v1'))).toMatchObject({ status: 200, body: { response: { uid: 'u-1', allowed: true } } })
})
