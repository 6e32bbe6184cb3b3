import { setTimeout as sleep } from 'node:timers/promises'
import { instead, messageOf } from '../core/errors.ts'
import { createKubeClient, type KubeClient } from '../core/kube/client.ts'
import { isNotFound } from '../core/kube/kube-error.ts'
import type { ObjectMeta, Pod } from '../core/pod.ts'
import { type Finding, isGated, judge, judgeNamespace, type TestPodSpec, testPod } from './gated-pod.ts'

/** Long enough for a cold image and a short queue; the hook pod's own deadline is 300 s. */
const LIMIT_MS = 240_000
const INTERVAL_MS = 500
/** Longer than any node was seen to take to learn where a new Service leads, with a lot to do. */
const ASKED_WITHIN_MS = 60_000

/**
 * The API server reaches a webhook only some time after it is Ready: the node it runs on must first learn where the
 * Service leads. Resolves when a pod that is not stored comes back with gates, or after a while: then the pod that is
 * stored shows what is wrong.
 */
async function untilAsked(client: KubeClient, path: string, spec: TestPodSpec): Promise<void> {
  const deadline = performance.now() + ASKED_WITHIN_MS
  const ask = () =>
    client.transport.request<Pod>({ method: 'POST', path, query: { dryRun: 'All' }, body: testPod(spec) })
  while (!isGated(await ask()) && performance.now() < deadline) await sleep(INTERVAL_MS)
}

/** Makes a pod in the test's namespace, follows it until it runs or has failed, and deletes it. */
async function runTest(client: KubeClient, spec: TestPodSpec, say: (line: string) => void): Promise<Finding> {
  const collection = `/api/v1/namespaces/${spec.namespace}/pods`
  const path = `${collection}/${spec.name}`
  // One for both waits: the hook pod's deadline must not cut the finding off.
  const deadline = performance.now() + LIMIT_MS
  await untilAsked(client, collection, spec)
  const pod = await client.transport.request<Pod>({ method: 'POST', path: collection, body: testPod(spec) })
  try {
    let finding = judge(pod)
    say(finding.sentence)
    while (finding.kind === 'waiting') {
      if (performance.now() > deadline)
        return { kind: 'failed', sentence: `after ${LIMIT_MS / 1000} s: ${finding.sentence}` }
      await sleep(INTERVAL_MS)
      const next = judge(await client.transport.request<Pod>({ method: 'GET', path }))
      if (next.sentence !== finding.sentence) say(next.sentence)
      finding = next
    }
    return finding
  } finally {
    await client.transport.request({ method: 'DELETE', path }).catch(error => {
      if (!isNotFound(error)) say(`the pod cannot be deleted: ${messageOf(error)}`)
    })
  }
}

/** Before helm deletes and makes the namespace. */
async function checkNamespace({ transport }: KubeClient, name: string, say: (line: string) => void): Promise<Finding> {
  const read = transport.request<{ metadata: ObjectMeta }>({ method: 'GET', path: `/api/v1/namespaces/${name}` })
  const found = await read.catch(error => {
    if (!isNotFound(error)) throw error
    return undefined
  })
  const finding = judgeNamespace(name, found)
  if (finding.kind === 'passed') say(finding.sentence)
  return finding
}

const {
  STARTGATE_TEST_STEP: step,
  STARTGATE_TEST_NAMESPACE: namespace,
  STARTGATE_TEST_IMAGE: image,
  STARTGATE_TEST_IMAGE_PULL_POLICY: policy,
} = process.env
if (!namespace || !image)
  throw new Error(
    instead('STARTGATE_TEST_NAMESPACE or STARTGATE_TEST_IMAGE is not set', "the chart's test pod, which sets them"),
  )
const imagePullPolicy = policy === 'Always' || policy === 'Never' ? policy : 'IfNotPresent'
const say = (line: string) => process.stdout.write(`${line}\n`)
const spec: TestPodSpec = { name: 'startgate-test-app', namespace, image, imagePullPolicy }
const client = createKubeClient()
const finding = await (step === 'check-namespace'
  ? checkNamespace(client, namespace, say)
  : runTest(client, spec, say)
).catch((error): Finding => ({ kind: 'failed', sentence: messageOf(error) }))
say(finding.kind === 'passed' ? 'PASSED' : `FAILED: ${finding.sentence}`)
process.exit(finding.kind === 'passed' ? 0 : 1)
