import { cut, InvalidValueError, instead, notValid } from './errors.ts'
import type { ObjectMeta } from './pod.ts'

/**
 * A workload of the pod's namespace that must be ready, a Job that must be complete, or a DaemonSet whose pod on the
 * pod's own node must be Ready (`node-daemonset`), before the pod takes start slots.
 */
export interface AfterTarget {
  kind: AfterKind
  name: string
  /** Of a `node-daemonset` alone, which may be in any namespace. */
  namespace?: string
}

export const AFTER_KINDS = [
  'deployment',
  'statefulset',
  'daemonset',
  'pod',
  'job',
  'service',
  'node-daemonset',
] as const
export type AfterKind = (typeof AFTER_KINDS)[number]

/** For each of them the leader looks up a workload whenever the pod's turn is reckoned. */
const MOST_TARGETS = 64
/**
 * DaemonSets whose pods are watched for the sake of pods' annotations, in the whole cluster, and that the chart may
 * name.
 */
export const MOST_NODE_DAEMONSETS = 8

/** DNS subdomain, as Kubernetes names objects. Source: RFC 1123. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/
/** DNS label, as Kubernetes names namespaces. Source: RFC 1123. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/**
 * `deployment/db, job/migrate:completed, service/queue, node-daemonset/kube-system/cilium`. A Job is only ever waited
 * for to complete, and this is written out. Throws InvalidValueError that names `field` on anything else, on one named
 * twice, on more than 64 and on more than 8 of the kind `node-daemonset`.
 */
export function parseAfter(field: string, text: string): AfterTarget[] {
  const fault: Fault = (value, remedy) => new InvalidValueError(field, value, remedy)
  const words = text
    .split(/[,\n]/)
    .map(word => word.trim())
    .filter(word => word !== '')
  if (words.length > MOST_TARGETS)
    throw fault(text, instead(`names ${words.length} workloads`, `at most ${MOST_TARGETS}`))
  const targets = words.map(word => parseTarget(word, fault))
  if (targets.length === 0)
    throw fault(text, notValid('list of workloads', 'deployment/db', '"deployment/db, service/queue"'))
  const names = new Set<string>()
  for (const name of targets.map(afterTargetName)) {
    if (names.has(name)) throw fault(name, instead('is named twice', 'it once'))
    names.add(name)
  }
  const onNode = targets.filter(({ kind }) => kind === 'node-daemonset').length
  if (onNode > MOST_NODE_DAEMONSETS)
    throw fault(text, instead(`names ${onNode} of the kind node-daemonset`, `at most ${MOST_NODE_DAEMONSETS}`))
  return targets
}

/** `node-daemonset/kube-system/cilium`, as the chart names what all pods come after. Throws InvalidValueError. */
export function parseNodeDaemonSet(field: string, text: string): AfterTarget {
  return nodeDaemonSetIn(text, (value, remedy) => new InvalidValueError(field, value, remedy))
}

/** As the annotation has it. */
export function afterTargetName({ kind, name, namespace }: AfterTarget): string {
  if (kind === 'node-daemonset') return `${kind}/${namespace}/${name}`
  return kind === 'job' ? `job/${name}:completed` : `${kind}/${name}`
}

/**
 * The first target that is the pod itself or what owns it, as far as the pod's metadata, its namespace included, tells.
 */
export function ownTarget(targets: readonly AfterTarget[], metadata: ObjectMeta): AfterTarget | undefined {
  return targets.find(target => isOwn(target, metadata))
}

/** `deployment/web` for a pod of that Deployment's, `pod/NAME` for a pod of nobody's: as `after` would name it. */
export function workloadOf({ name, labels, ownerReferences }: ObjectMeta): string {
  const owner = ownerReferences?.find(({ controller }) => controller === true)
  if (!owner) return `pod/${name}`
  const hash = labels?.['pod-template-hash']
  // The Deployment controller names its ReplicaSets for itself and the template's hash.
  if (owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`))
    return `deployment/${owner.name.slice(0, -hash.length - 1)}`
  return `${owner.kind.toLowerCase()}/${owner.name}`
}

type Fault = (value: string, remedy: string) => InvalidValueError

/** A fault shows the word alone: of a long list the message has only the beginning. */
function parseTarget(word: string, fault: Fault): AfterTarget {
  if (word.startsWith('node-daemonset/')) return nodeDaemonSetIn(word, fault)
  const [, kindText = '', name = '', condition = ''] = /^([^/:]*)\/([^/:]*)(?::(.*))?$/.exec(word) ?? []
  const kind = AFTER_KINDS.find(k => k === kindText)
  if (!kind)
    throw fault(
      word,
      notValid('workload', ...AFTER_KINDS.map(k => afterTargetName({ kind: k, name: 'NAME', namespace: 'NAMESPACE' }))),
    )
  if (!NAME.test(name)) throw fault(word, notValid(`name of a ${kind}`, afterTargetName({ kind, name: 'db' })))
  const own = afterTargetName({ kind, name: cut(name) })
  if (kind === 'job' && condition !== 'completed') throw fault(word, instead('needs the condition completed', own))
  if (kind !== 'job' && condition !== '') throw fault(word, instead('has a condition, which only a job can have', own))
  return { kind, name }
}

function nodeDaemonSetIn(word: string, fault: Fault): AfterTarget {
  const [, namespace = '', name = ''] = /^node-daemonset\/([^/:]*)\/([^/:]*)$/.exec(word) ?? []
  if (!NAMESPACE.test(namespace) || !NAME.test(name))
    throw fault(word, notValid('DaemonSet on the node', 'node-daemonset/NAMESPACE/NAME'))
  return { kind: 'node-daemonset', name, namespace }
}

function isOwn({ kind, name, namespace }: AfterTarget, metadata: ObjectMeta): boolean {
  if (kind === 'node-daemonset') return metadata.namespace === namespace && workloadOf(metadata) === `daemonset/${name}`
  return kind === 'pod' ? metadata.name === name : workloadOf(metadata) === `${kind}/${name}`
}
