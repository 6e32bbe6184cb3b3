import { AGENT, AGENT_ENV, ANNOTATION_PREFIX, OWN_PREFIX } from '../../core/names.ts'
import type { Container, ContainerState, ContainerStatus, Namespace, Node, ObjectMeta, Pod } from '../../core/pod.ts'
import { imagesListedBy, SeenNode } from './node-facts.ts'
import type { SharedText } from './shared.ts'
import { STARTED_CONDITION } from './started-condition.ts'

/**
 * What the lease service reads of a pod: 1 to 2 KB of some 16. Whoever begins to read another field adds it here.
 * `texts`: names are shared with other objects.
 */
export function projectPod({ metadata, spec, status }: Pod, texts: SharedText): Pod {
  const containerOf = (container: Container): Container => ({
    ...pick(container, ['name', 'imagePullPolicy', 'restartPolicy']),
    ...(container.image !== undefined && { image: texts.of(container.image) }),
    ...(container.startupProbe && {
      startupProbe: pick(container.startupProbe, ['initialDelaySeconds', 'periodSeconds', 'failureThreshold']),
    }),
    ...(container.readinessProbe && { readinessProbe: {} }),
    ...(container.name === AGENT && { env: (container.env ?? []).filter(({ name }) => name === AGENT_ENV.sequence) }),
  })
  return {
    metadata: projectPodMetadata(metadata, texts),
    spec: {
      ...pick(spec, ['priority']),
      ...(spec.nodeName !== undefined && { nodeName: texts.of(spec.nodeName) }),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(containerOf) }),
      containers: (spec.containers ?? []).map(containerOf),
    },
    ...(status && { status: projectStatus(status) }),
  }
}

function projectPodMetadata(metadata: ObjectMeta, texts: SharedText): ObjectMeta {
  const controller = metadata.ownerReferences?.find(owner => owner.controller)
  const isOurs = ([key]: [string, string]): boolean => key.startsWith(ANNOTATION_PREFIX)
  return {
    ...identity(metadata),
    ...pick(metadata, ['creationTimestamp', 'deletionTimestamp']),
    ...(metadata.namespace !== undefined && { namespace: texts.of(metadata.namespace) }),
    labels: filtered(metadata.labels, entry => isOurs(entry) || entry[0] === 'pod-template-hash'),
    annotations: filtered(metadata.annotations, isOurs),
    ...(controller && {
      ownerReferences: [{ ...controller, name: texts.of(controller.name), uid: texts.of(controller.uid) }],
    }),
  }
}

function projectStatus(status: NonNullable<Pod['status']>): NonNullable<Pod['status']> {
  const { conditions, initContainerStatuses, containerStatuses } = status
  return {
    ...pick(status, ['phase']),
    ...(initContainerStatuses && { initContainerStatuses: initContainerStatuses.map(statusOf) }),
    ...(containerStatuses && { containerStatuses: containerStatuses.map(statusOf) }),
    ...(conditions && { conditions: conditions.filter(({ type }) => type === STARTED_CONDITION) }),
  }
}

function statusOf(status: ContainerStatus): ContainerStatus {
  // What our own containers leave is read; what others leave may be 4 KiB.
  const keepsMessage = status.name.startsWith(OWN_PREFIX)
  return {
    ...pick(status, ['name', 'ready', 'started', 'restartCount', 'containerID']),
    // That there is one is all that counts.
    ...(status.imageID && { imageID: 'known' }),
    ...(status.state && { state: stateOf(status.state, keepsMessage) }),
    ...(status.lastState?.terminated && { lastState: stateOf(status.lastState, keepsMessage) }),
  }
}

function stateOf({ waiting, running, terminated }: ContainerState, keepsMessage: boolean): ContainerState {
  return {
    ...(waiting && { waiting: pick(waiting, ['reason']) }),
    ...(running && { running: pick(running, ['startedAt']) }),
    ...(terminated && {
      terminated: {
        ...pick(terminated, ['exitCode', 'reason', 'startedAt', 'finishedAt', 'containerID']),
        ...(keepsMessage && terminated.message !== undefined && { message: terminated.message }),
      },
    }),
  }
}

/** What the lease service reads of a node. */
export function projectNode(node: Node, texts: SharedText): SeenNode {
  const { metadata, status } = node
  const annotations = filtered(metadata.annotations, ([key]) => key.startsWith(ANNOTATION_PREFIX))
  const seen = {
    metadata: { ...identity(metadata), annotations },
    status: {
      ...(status?.capacity?.cpu !== undefined && { capacity: { cpu: texts.of(status.capacity.cpu) } }),
      conditions: (status?.conditions ?? []).flatMap(c => (c.type === 'Ready' ? [pick(c, ['type', 'status'])] : [])),
    },
  }
  return new SeenNode(
    seen,
    new Set(
      imagesListedBy(node)
        .values()
        .map(image => texts.of(image)),
    ),
  )
}

/** What the lease service reads of a namespace. */
export function projectNamespace({ metadata, status }: Namespace): Namespace {
  const annotations = filtered(metadata.annotations, ([key]) => key.startsWith(ANNOTATION_PREFIX))
  return {
    metadata: { ...identity(metadata), ...pick(metadata, ['labels', 'deletionTimestamp']), annotations },
    ...(status && { status: pick(status, ['phase']) }),
  }
}

function identity(metadata: ObjectMeta): ObjectMeta {
  return pick(metadata, ['name', 'namespace', 'uid', 'resourceVersion'])
}

function filtered(
  record: Record<string, string> | undefined,
  isKept: (entry: [string, string]) => boolean,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record ?? {}).filter(isKept))
}

/** Those of the fields that are there. */
function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const kept: Partial<T> = {}
  for (const key of keys) if (from[key] !== undefined) kept[key] = from[key]
  return kept as Pick<T, K>
}
