import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { namespaceFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { conditionIn, containerIn, isReady, readPod, type SeenPod } from '../workloads/sequenced-pods.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

interface Resources {
  requests: Record<string, string>
  limits?: Record<string, string>
}

function podOf(name: string, resources: Resources): Manifest {
  const made = pod(name, { image: APP_IMAGE, ...(session.workers[0] && { node: session.workers[0] }) })
  const spec = made.spec as { containers: object[] }
  return { ...made, spec: { ...spec, containers: spec.containers.map(c => ({ ...c, resources })) } }
}

const both = (cpu: string, memory: string): Resources => ({ requests: { cpu, memory }, limits: { cpu, memory } })

function startVerdict(seen: SeenPod): string | undefined {
  const message = containerIn(seen, 'startgate-start')?.state?.terminated?.message
  return (JSON.parse(message ?? '{}') as { verdict?: string }).verdict
}

/** Memory of a node that is free to be asked for by two pods in turn, not at once: 60 % of all there is. */
async function mostOfANode(): Promise<string> {
  const path = 'jsonpath={.status.allocatable.memory}'
  const text = await session.kubectl.text(['get', 'node', session.workers[0] ?? '', '-o', path])
  return `${Math.floor(Number.parseInt(text, 10) * 0.6)}Ki`
}

const classes: Record<string, { large(memory: string): Resources; small: Resources }> = {
  Burstable: {
    large: memory => ({ requests: { cpu: '50m', memory }, limits: { cpu: '1' } }),
    small: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '1' } },
  },
  Guaranteed: { large: memory => both('200m', memory), small: both('100m', '128Mi') },
}

test.each(Object.entries(classes))(
  'an in-place resize of a %s pod down frees what the app gave up',
  async (qos, made) => {
    const namespace = await namespaceFor(session, { word: 'resize', gated: true })
    const most = await mostOfANode()
    await namespace.apply([podOf('first', made.large(most))])
    const first = await isReady(namespace, 'first')
    expect([startVerdict(first), first.status?.qosClass]).toEqual(['granted', qos])
    await namespace.apply([podOf('second', made.large(most))])
    const isScheduled = async () => conditionIn(await readPod(namespace, 'second'), 'PodScheduled')
    await waitFor(
      'the second pod finds no room',
      async () => (await isScheduled())?.reason === 'Unschedulable',
      limits.podReady,
    )
    const change = { spec: { containers: [{ name: 'app', resources: made.small }] } }
    const patch = [
      'patch',
      'pod',
      'first',
      '-n',
      namespace.name,
      '--subresource',
      'resize',
      '-p',
      JSON.stringify(change),
    ]
    await session.kubectl.run(patch)
    expect(startVerdict(await isReady(namespace, 'second'))).toBe('granted')
    expect((await readPod(namespace, 'first')).status?.qosClass).toBe(qos)
  },
)

const limitRange = (limit: object): Manifest => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'range' },
  spec: { limits: [{ type: 'Container', ...limit }] },
})

/** Until the webhook has heard of a LimitRange: what it makes of a pod that is not stored. */
async function isJudged(namespace: TestNamespace, isGated: boolean): Promise<void> {
  const dryRun = ['create', '-n', namespace.name, '--dry-run=server', '-o', 'json', '-f', '-']
  const probe = JSON.stringify(pod('probe', { image: APP_IMAGE }))
  const gated = async () => (await session.kubectl.run(dryRun, probe)).stdout.includes('"startgate-start"') === isGated
  await waitFor(`pods of ${namespace.name} are ${isGated ? '' : 'not '}gated`, gated, limits.settingSeen)
}

test('a LimitRange with a default memory of 64Mi does not turn gates off', async () => {
  const namespace = await namespaceFor(session, { word: 'default', gated: true })
  await namespace.apply([limitRange({ default: { memory: '64Mi' }, defaultRequest: { memory: '64Mi' } })])
  await isJudged(namespace, true)
  await namespace.apply([pod('web', { image: APP_IMAGE })])
  const web = await isReady(namespace, 'web')
  expect([startVerdict(web), web.status?.qosClass]).toEqual(['granted', 'Burstable'])
})

test('a controller whose pods start ungated has one Event that says why, and a dry run none', async () => {
  const namespace = await namespaceFor(session, { word: 'ungated', gated: true })
  await namespace.apply([limitRange({ max: { memory: '16Mi' } })])
  await isJudged(namespace, false)
  await namespace.apply([deployment('web', 3, { image: APP_IMAGE })])
  const told = async () => {
    const { items } = await namespace.get<{ items: { reason: string; message: string; involvedObject: object }[] }>([
      'events',
    ])
    const ours = items.filter(({ reason }) => reason === 'GateDoesNotFit')
    return ours.length > 0 && ours
  }
  await waitFor('an Event', told, limits.eventSeen)
  const ready = ['rollout', 'status', 'deployment/web', '-n', namespace.name, '--timeout=90s']
  await session.kubectl.run(ready)
  expect(await told()).toMatchObject([
    {
      message: expect.stringMatching(/^Pods start ungated: .*max memory is 16Mi/),
      involvedObject: { kind: 'ReplicaSet', name: expect.stringMatching(/^web-/) },
    },
  ])
})

const quota: Manifest = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'quota' },
  spec: { hard: { 'requests.cpu': '1', 'limits.memory': '1Gi' } },
}
const judges: Record<string, { labels?: Record<string, string>; objects?: Manifest[]; says: RegExp }> = {
  'Pod Security': { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' }, says: /violates PodSecurity/ },
  'a quota': { objects: [quota], says: /must specify limits.memory for: app; requests.cpu for: app/ },
}

test.each(Object.entries(judges))('what %s refuses anyway it refuses in the same words', async (_, judge) => {
  const { labels = {}, objects = [], says } = judge
  const refusalIn = async (gated: boolean) => {
    const namespace = await namespaceFor(session, { word: 'refusal', gated, labels })
    if (objects.length > 0) await namespace.apply(objects)
    const refusal = async () => {
      const text = await namespace.refusal([pod('web', { image: APP_IMAGE })])
      return text?.match(says) && text.replaceAll(namespace.name, 'NAMESPACE')
    }
    return waitFor(`a refusal in ${namespace.name}`, refusal, limits.settingSeen)
  }
  expect(await refusalIn(true)).toBe(await refusalIn(false))
})
