import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE, loadImage } from '../cluster/cluster.ts'
import { daemonsImage } from '../cluster/daemon-images.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { exampleNames, podIn, readExample } from '../workloads/examples.ts'
import { conditionIn, type SeenPod } from '../workloads/sequenced-pods.ts'

/** Images of this cluster, by those that the examples name. */
const images: Record<string, string> = { 'busybox:1.37': APP_IMAGE }

let session: Session
beforeAll(async () => {
  session = await openSession()
  const daemons = await daemonsImage(session.cluster.env)
  await loadImage(session.cluster, daemons)
  images['python:3.13-slim'] = daemons
}, 300_000)

/** An object of an example as it is applied here: in the test's own namespace, with images that the nodes have. */
function adapted(object: Manifest): Manifest {
  const { namespace: _, ...metadata } = object.metadata
  const copy = structuredClone({ ...object, metadata })
  for (const container of podIn(copy).spec.containers) {
    const image = images[container.image]
    if (image === undefined) throw new Error(`no image of this cluster stands for ${container.image}`)
    container.image = image
  }
  return copy
}

const settingsOf = ({ metadata }: Manifest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).map(([key, value]) => [key.replace('startgate.dev/', ''), value]),
  )

interface Seen {
  spec: { replicas?: number }
  status?: { availableReplicas?: number; completionTime?: string } & SeenPod['status']
}

/** Whether a pod is Ready, all of a Deployment is available or a Job is complete. */
function isDone({ kind }: Manifest, { spec, status }: Seen): boolean {
  if (kind === 'Deployment') return status?.availableReplicas === (spec.replicas ?? 1)
  const type = kind === 'Job' ? 'Complete' : 'Ready'
  return (status?.conditions ?? []).some(condition => condition.type === type && condition.status === 'True')
}

/** Applies an example to a namespace of the test's own; returns it when every workload of it is done. */
async function applied(name: string): Promise<TestNamespace> {
  const { namespace: written, objects } = readExample(name)
  const namespace = await namespaceFor(session, { word: name, gated: true, settings: settingsOf(written) })
  await namespace.apply(objects.map(adapted))
  for (const object of objects) {
    const { kind, metadata } = object
    const done = async () => isDone(object, await namespace.get<Seen>([kind, metadata.name]))
    await waitFor(`${kind} ${metadata.name} of ${name} is done`, done, limits.herdReady)
  }
  return namespace
}

const podsOf = async (namespace: TestNamespace, label: string): Promise<SeenPod[]> =>
  (await namespace.get<{ items: SeenPod[] }>(['pods', '-l', label])).items

/** What the guides say of an example beyond that its workloads get ready. */
const claims: Record<string, (name: string) => Promise<void>> = {
  'limit-starts': async name => {
    const observer = await observerFor(session)
    const namespace = await applied(name)
    expect(observer.starting([namespace.name]).peak.count).toBe(2)
    const words = (await namespace.events()).filter(({ reason }) => reason === 'StartgateWaiting')
    expect(words.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^place \d of \d: start: namespace \S+ has 2 of 2 slots in use; .* in line$/),
    )
  },
  'order-containers': async name => {
    const namespace = await applied(name)
    // Written by the leader when it has seen that the pod is ready, as the Deployment's controller has.
    const started = async () => {
      const [pod] = await podsOf(namespace, 'app=shop')
      return pod && conditionIn(pod, 'startgate.dev/Started')?.reason === 'AllReady'
    }
    await waitFor('the pod has the condition that all have started', started, limits.settingSeen)
  },
  'order-workloads': async name => {
    const namespace = await applied(name)
    const { status } = await namespace.get<Seen>(['job', 'migrate'])
    const pods = await podsOf(namespace, 'app=web')
    const started = pods.map(pod => pod.status?.containerStatuses?.[0]?.state?.running as { startedAt?: string })
    expect(started).toHaveLength(2)
    // Both to the second, in the same form.
    for (const { startedAt = '' } of started) expect(startedAt >= (status?.completionTime ?? '?')).toBe(true)
  },
}

test.each(exampleNames())('docs/examples/%s.yaml does what its guide says', async name => {
  const claim = claims[name] ?? applied
  await claim(name)
})
