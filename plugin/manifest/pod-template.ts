import { isObject } from '../../core/is-object.ts'
import type { Pod } from '../../core/pod.ts'
import { asPod } from '../../webhook/pod/pod-shape.ts'
import type { FoundObject } from './objects.ts'

type Json = Record<string, unknown>

/** A pod that an object of a manifest is or makes. */
export interface TemplatePod {
  /** As the API server would show it to the webhook, but for its defaulting; undefined for what is no pod to it. */
  pod: Pod | undefined
  /** The same without a look at its fields. */
  raw: Json
  /** Of the template's metadata; none for a bare pod. */
  path: string[]
}

interface Workload {
  /** Where the pod template is. */
  path: string[]
  /** The kind and name of the pod's owner. */
  owner(name: string): { kind: string; name: string }
  /** Of a pod that it makes. */
  podName(name: string): { name: string } | { generateName: string }
}

/** In place of a ReplicaSet's hash. */
const HASH = 'template'
const generated = (name: string) => ({ generateName: `${name}-` })

/** A Map: a kind may be called `constructor`. */
const WORKLOADS = new Map<string, Workload>(
  Object.entries({
    Deployment: {
      path: ['spec', 'template'],
      owner: name => ({ kind: 'ReplicaSet', name: `${name}-${HASH}` }),
      podName: name => generated(`${name}-${HASH}`),
    },
    ReplicaSet: { path: ['spec', 'template'], owner: name => ({ kind: 'ReplicaSet', name }), podName: generated },
    StatefulSet: {
      path: ['spec', 'template'],
      owner: name => ({ kind: 'StatefulSet', name }),
      podName: name => ({ name: `${name}-0` }),
    },
    DaemonSet: { path: ['spec', 'template'], owner: name => ({ kind: 'DaemonSet', name }), podName: generated },
    Job: { path: ['spec', 'template'], owner: name => ({ kind: 'Job', name }), podName: generated },
    CronJob: {
      path: ['spec', 'jobTemplate', 'spec', 'template'],
      owner: name => ({ kind: 'Job', name: `${name}-1` }),
      podName: name => generated(`${name}-1`),
    },
  }),
)

/** The kinds of which pods are looked at. */
export const POD_KINDS = ['Pod', ...WORKLOADS.keys()]

/**
 * The pod of a Pod, or the one that a workload's controller makes of its template, with the owner it would have: some
 * of the webhook's rules ask for it. Undefined for other kinds. `namespace` counts where the object names none.
 */
export function podOf(found: FoundObject, namespace: string): TemplatePod | undefined {
  const { object, kind, name } = found
  const workload = WORKLOADS.get(kind)
  if (kind !== 'Pod' && !workload) return undefined
  const template = workload ? at(object, workload.path) : object
  const metadata = isObject(template.metadata) ? template.metadata : {}
  const raw: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, ...(workload && ownedMetadata(metadata, workload, name)), namespace },
    spec: template.spec,
  }
  return { pod: asPod(raw), raw, path: workload?.path ?? [] }
}

function ownedMetadata(metadata: Json, workload: Workload, name: string): Json {
  const owner = { apiVersion: 'apps/v1', ...workload.owner(name), uid: '', controller: true }
  const isReplicaSet = owner.kind === 'ReplicaSet' && owner.name !== name
  return {
    ...workload.podName(name),
    ownerReferences: [owner],
    ...(isReplicaSet && {
      labels: { ...(isObject(metadata.labels) ? metadata.labels : {}), 'pod-template-hash': HASH },
    }),
  }
}

function at(object: Json, path: readonly string[]): Json {
  return path.reduce<Json>((value, key) => (isObject(value[key]) ? value[key] : {}), object)
}
