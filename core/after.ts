import { cut, InvalidValueError, instead, notValid } from './errors.ts'
import type { ObjectMeta } from './pod.ts'

/**
 * A workload of the pod's namespace that must be ready, or a Job that must be complete, before the pod takes start
 * slots.
 */
export interface AfterTarget {
  kind: AfterKind
  name: string
}

export const AFTER_KINDS = ['deployment', 'statefulset', 'daemonset', 'pod', 'job', 'service'] as const
export type AfterKind = (typeof AFTER_KINDS)[number]

/** For each of them the leader looks up a workload whenever the pod's turn is reckoned. */
const MOST_TARGETS = 64

/** DNS subdomain, as Kubernetes names objects. Source: RFC 1123. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/**
 * `deployment/db, job/migrate:completed, service/queue`. A Job is only ever waited for to complete, and this is written
 * out. Throws InvalidValueError that names `field` on anything else, on one named twice and on more than 64.
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
  return targets
}

/** As the annotation has it. */
export function afterTargetName({ kind, name }: AfterTarget): string {
  return kind === 'job' ? `job/${name}:completed` : `${kind}/${name}`
}

/** The first target that is the pod itself or what owns it, as far as the pod's metadata tells. */
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
  const [, kindText = '', name = '', condition = ''] = /^([^/:]*)\/([^/:]*)(?::(.*))?$/.exec(word) ?? []
  const kind = AFTER_KINDS.find(k => k === kindText)
  if (!kind)
    throw fault(word, notValid('workload', ...AFTER_KINDS.map(k => afterTargetName({ kind: k, name: 'NAME' }))))
  if (!NAME.test(name)) throw fault(word, notValid(`name of a ${kind}`, afterTargetName({ kind, name: 'db' })))
  const own = afterTargetName({ kind, name: cut(name) })
  if (kind === 'job' && condition !== 'completed') throw fault(word, instead('needs the condition completed', own))
  if (kind !== 'job' && condition !== '') throw fault(word, instead('has a condition, which only a job can have', own))
  return { kind, name }
}

function isOwn({ kind, name }: AfterTarget, metadata: ObjectMeta): boolean {
  return kind === 'pod' ? metadata.name === name : workloadOf(metadata) === `${kind}/${name}`
}
