import { AGENT, AGENT_ENV, ANNOTATION_PREFIX, OWN_PREFIX } from '../../../core/names.ts'
import { withPassedGates } from '../../../core/passed-gates.ts'
import { pick } from '../../../core/pick.ts'
import type { Container, ContainerState, ContainerStatus, Namespace, Node, ObjectMeta, Pod } from '../../../core/pod.ts'
import { imagesListedBy, SeenNode } from './node-facts.ts'
import type { SharedText } from './shared-text.ts'
import { evictionOf } from './start-end.ts'
import { STARTED_CONDITION } from './started-condition.ts'
import { WAITING_CONDITION } from './waiting-condition.ts'

/**
 * What the lease service reads of a pod: 1 to 2 KB of some 16. Whoever begins to read another field adds it here.
 * `texts`: names are shared with other objects.
 */
export function projectPod({ metadata, spec, status }: Pod, texts: SharedText): Pod {
  return {
    metadata: projectPodMetadata(metadata, texts),
    spec: projectPodSpec(spec, texts),
    ...(status && { status: projectPodStatus(status, spec) }),
  }
}

export function projectPodSpec(spec: Pod['spec'], texts: SharedText): Pod['spec'] {
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
    ...pick(spec, ['priority']),
    ...(spec.nodeName !== undefined && { nodeName: texts.of(spec.nodeName) }),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(containerOf) }),
    containers: (spec.containers ?? []).map(containerOf),
  }
}

export function projectPodMetadata(metadata: ObjectMeta, texts: SharedText): ObjectMeta {
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

/**
 * Of a pod, its status is what changes most: fields are copied one by one, which costs a fifth of `pick`. From here on
 * gates of both kinds look the same.
 */
export function projectPodStatus(status: NonNullable<Pod['status']>, spec: Pod['spec']): NonNullable<Pod['status']> {
  const { phase, conditions, initContainerStatuses, containerStatuses } = status
  const kept: NonNullable<Pod['status']> = evictionOf(status)
  if (phase !== undefined) kept.phase = phase
  if (initContainerStatuses) kept.initContainerStatuses = initContainerStatuses.map(statusOf)
  if (containerStatuses) kept.containerStatuses = containerStatuses.map(statusOf)
  if (conditions) kept.conditions = conditions.filter(isRead)
  return withPassedGates({ spec, status: kept }) ?? kept
}

function isRead({ type }: { type: string }): boolean {
  return type === STARTED_CONDITION || type === WAITING_CONDITION
}

function statusOf(status: ContainerStatus): ContainerStatus {
  const { name, ready, started, restartCount, containerID, imageID, state, lastState } = status
  // What our own containers leave is read; what others leave may be 4 KiB.
  const keepsMessage = name.startsWith(OWN_PREFIX)
  const kept = { name } as ContainerStatus
  if (ready !== undefined) kept.ready = ready
  if (started !== undefined) kept.started = started
  if (restartCount !== undefined) kept.restartCount = restartCount
  if (containerID !== undefined) kept.containerID = containerID
  // That there is one is all that counts.
  if (imageID) kept.imageID = 'known'
  if (state) kept.state = stateOf(state, keepsMessage)
  if (lastState?.terminated) kept.lastState = stateOf(lastState, keepsMessage)
  return kept
}

function stateOf({ waiting, running, terminated }: ContainerState, keepsMessage: boolean): ContainerState {
  const kept: ContainerState = {}
  if (waiting) kept.waiting = waiting.reason === undefined ? {} : { reason: waiting.reason }
  if (running) kept.running = running.startedAt === undefined ? {} : { startedAt: running.startedAt }
  if (terminated) kept.terminated = endOf(terminated, keepsMessage)
  return kept
}

function endOf(end: NonNullable<ContainerState['terminated']>, keepsMessage: boolean): typeof end {
  const { exitCode, reason, startedAt, finishedAt, containerID, message } = end
  const kept = {} as typeof end
  if (exitCode !== undefined) kept.exitCode = exitCode
  if (reason !== undefined) kept.reason = reason
  if (startedAt !== undefined) kept.startedAt = startedAt
  if (finishedAt !== undefined) kept.finishedAt = finishedAt
  if (containerID !== undefined) kept.containerID = containerID
  if (keepsMessage && message !== undefined) kept.message = message
  return kept
}

/** What the lease service reads of a node, with the labels that pools go by. */
export function projectNode(node: Node, texts: SharedText, labelKeys: ReadonlySet<string>): SeenNode {
  const { metadata, status } = node
  const labels = filtered(metadata.labels, ([key]) => labelKeys.has(key))
  const annotations = filtered(metadata.annotations, ([key]) => key.startsWith(ANNOTATION_PREFIX))
  const seen = {
    metadata: { ...identity(metadata), labels, annotations },
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
