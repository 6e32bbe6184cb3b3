import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { pod, podTemplate } from '../harness/pod-templates.ts'
import { podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import type { NamespaceOptions } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import type { ObservedPod } from '../observer/cluster-events.ts'
import { podPhase } from '../observer/pod-phase.ts'
import { coldImages } from '../workloads/cold-images.ts'
import { judges, sequencedShapes, verdictsIn } from '../workloads/sequenced-shapes.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

interface Shape {
  namespace?: NamespaceOptions
  /** Applied before the rest, such as a quota. */
  first?: Manifest[]
  /** `cold` is an image that no node has, so that the image step is part of every shape. */
  objects: (cold: string) => Manifest[]
  pods?: number
  /** What the pods must end as. */
  want?: 'Running' | 'Succeeded'
  /** Containers of the pod that are not startgate's, in order. */
  wantInit?: string[]
}

const RESTRICTED = {
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 12_345,
    fsGroup: 12_345,
    seccompProfile: { type: 'RuntimeDefault' },
  },
}
const NO_PRIVILEGES = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true }
const QUIT = { image: APP_IMAGE, command: ['sh', '-c', 'exit 0'] }

/** A pod whose `app` container has these fields as well. */
function podWith(image: string, container: Record<string, unknown>, spec: Record<string, unknown> = {}): Manifest {
  const made = pod('shape', { image, spec })
  const containers = (made.spec as { containers: object[] }).containers.map(c => ({ ...c, ...container }))
  return { ...made, spec: { ...(made.spec as object), containers } }
}

const quota: Manifest = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'quota' },
  // Just enough for the pod's own containers: gates must cost nothing.
  spec: {
    hard: {
      'requests.cpu': '100m',
      'requests.memory': '128Mi',
      'limits.cpu': '200m',
      'limits.memory': '128Mi',
      pods: '1',
    },
  },
}
const limitRange: Manifest = {
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'range' },
  spec: { limits: [{ type: 'Container', min: { cpu: '50m', memory: '64Mi' }, max: { cpu: '200m', memory: '128Mi' } }] },
}

const shapes: Record<string, Shape> = {
  'a Job completes': {
    objects: cold => {
      const { spec } = podTemplate('job', { image: cold })
      const containers = [{ name: 'app', image: cold, command: ['sh', '-c', 'sleep 2'] }]
      const template = { spec: { ...spec, containers, restartPolicy: 'Never' } }
      return [{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'job' }, spec: { backoffLimit: 0, template } }]
    },
    want: 'Succeeded',
  },
  'a pod with a native sidecar of its own': {
    objects: cold => {
      const sidecar = {
        name: 'sidecar',
        image: APP_IMAGE,
        restartPolicy: 'Always',
        command: ['sh', '-c', "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"],
      }
      return [podWith(cold, {}, { initContainers: [sidecar] })]
    },
    wantInit: ['sidecar'],
  },
  'a pod on the host network': { objects: cold => [podWith(cold, {}, { hostNetwork: true })] },
  'a pod in a namespace under Pod Security restricted': {
    namespace: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    objects: cold => [podWith(cold, { securityContext: NO_PRIVILEGES }, RESTRICTED)],
  },
  'a pod in a namespace with a quota and a LimitRange': {
    first: [quota, limitRange],
    objects: cold => {
      const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '200m', memory: '128Mi' } }
      return [podWith(cold, { resources })]
    },
  },
  'a pod without a service account token': {
    objects: cold => [podWith(cold, {}, { automountServiceAccountToken: false })],
  },
  'a pod with a read-only root': {
    objects: cold => [podWith(cold, { securityContext: { readOnlyRootFilesystem: true } })],
  },
  'a pod that runs as root and one that says nothing': {
    objects: cold => [
      podWith(cold, { securityContext: { runAsUser: 0 } }),
      { ...podWith(cold, {}), metadata: { name: 'plain' } },
    ],
    pods: 2,
  },
  'a pod of two containers': {
    objects: cold => {
      const made = podWith(cold, {})
      const spec = made.spec as { containers: object[] }
      const second = { name: 'second', image: APP_IMAGE, command: ['sh', '-c', 'sleep 3600'] }
      return [{ ...made, spec: { ...spec, containers: [...spec.containers, second] } }]
    },
  },
  'a StatefulSet with init containers': {
    objects: cold => {
      const { metadata, spec } = podTemplate('set', { image: cold })
      const template = {
        metadata,
        spec: {
          ...spec,
          initContainers: [
            { name: 'one', ...QUIT },
            { name: 'two', ...QUIT },
          ],
        },
      }
      const selector = { matchLabels: { app: 'set' } }
      return [
        {
          apiVersion: 'apps/v1',
          kind: 'StatefulSet',
          metadata: { name: 'set' },
          spec: { serviceName: 'set', replicas: 2, selector, template },
        },
      ]
    },
    pods: 2,
    wantInit: ['one', 'two'],
  },
}

const isOurs = (name: string) => name.startsWith('startgate-')

function isSettled(pod: ObservedPod, want: string): boolean {
  return pod.status?.phase === want && podPhase(pod, Date.now()).phase === 'ready'
}

test('where a LimitRange leaves no room for a gate, the pod starts as it is, with a warning', async () => {
  const observer = await observerFor(session)
  const namespace = await namespaceFor(session, { word: 'tight', gated: true })
  const tight = { type: 'Container', max: { memory: '16Mi' } }
  await namespace.apply([{ ...limitRange, spec: { limits: [tight] } }])
  expect(await namespace.apply([podWith(APP_IMAGE, { resources: { limits: { memory: '16Mi' } } })])).toMatch(
    /Warning: .*startgate/i,
  )
  const free = await podIs(observer, [namespace.name, 'shape'], { phase: 'ready' }, limits.podReady)
  expect(free.spec.initContainers ?? []).toEqual([])
})

test.each(Object.entries(shapes))('%s is gated and comes up', async (_, shape) => {
  const { namespace: options, first = [], objects, pods: count = 1, want = 'Running', wantInit = [] } = shape
  const observer = await observerFor(session)
  const [cold = ''] = await coldImages(session.cluster, 'shape', 1, 1)
  const namespace = await namespaceFor(session, { word: 'shape', gated: true, ...options })
  if (first.length > 0) await namespace.apply(first)
  await namespace.apply(objects(cold))
  const pods = await waitFor(
    `${count} pods that are ${want}`,
    () => {
      const all = observer.pods(namespace.name)
      return all.length === count && all.every(p => isSettled(p, want)) && all
    },
    want === 'Succeeded' ? limits.jobDone : limits.podReady,
  )
  for (const one of pods) {
    const init = (one.spec.initContainers ?? []).map(c => c.name)
    expect(init[0]).toBe('startgate-pull')
    expect(init.at(-1)).toBe('startgate-start')
    expect(init.filter(isOurs).filter(name => name.startsWith('startgate-image-')).length).toBeGreaterThan(0)
    expect(init.filter(name => !isOurs(name))).toEqual(wantInit)
    const gates = one.status?.initContainerStatuses?.filter(
      s => s.name === 'startgate-pull' || s.name === 'startgate-start',
    )
    const said = gates?.map(s => (JSON.parse(s.state?.terminated?.message ?? '{}') as { verdict?: string }).verdict)
    expect(said).toEqual(['granted', 'granted'])
  }
})

test.each(Object.entries(judges))(
  'the verdict on pods with an order is that on them without us: %s',
  async (_, judge) => {
    const { options, objects = [], withoutOrder = [] } = judge
    const prepare = async (gated: boolean) => {
      const namespace = await namespaceFor(session, { word: 'verdict', gated, ...options })
      if (objects.length > 0) await namespace.apply(objects)
      return namespace
    }
    const [gated, without] = [await prepare(true), await prepare(false)]
    const compared = async () => {
      const [ours, theirs] = [await verdictsIn(gated, sequencedShapes), await verdictsIn(without, sequencedShapes)]
      const names = [...new Set([...ours.keys(), ...theirs.keys()])]
      return {
        areAnyTaken: theirs.size > 0,
        otherwise: names.filter(name => ours.get(name)?.qosClass !== theirs.get(name)?.qosClass),
        withoutOrder: [...ours].flatMap(([name, { isSequenced }]) => (isSequenced ? [] : [name])),
      }
    }
    // A quota has to be counted, and the webhook to hear of it, before anything is judged by it.
    await expect
      .poll(compared, { timeout: limits.settingSeen.ms, interval: 1000 })
      .toEqual({ areAnyTaken: true, otherwise: [], withoutOrder })
  },
)
