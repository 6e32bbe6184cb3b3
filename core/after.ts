import { cut, InvalidValueError } from './errors.ts'
import type { ObjectMeta } from './pod.ts'

/**
 * A workload of the pod's namespace that must be ready, or a Job that must be complete, before the pod takes start
 * slots.
 */
export interface AfterTarget {
  kind: AfterKind
  name: string
}

export type AfterKind = 'deployment' | 'statefulset' | 'daemonset' | 'pod' | 'job' | 'service'

export const AFTER_KINDS: readonly AfterKind[] = ['deployment', 'statefulset', 'daemonset', 'pod', 'job', 'service']

/** For each of them the leader looks up a workload whenever the pod's turn is reckoned. */
const MOST_TARGETS = 64

/** DNS subdomain, as Kubernetes names objects. Source: RFC 1123. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/**
 * `deployment/db, job/migrate:completed, service/queue`. A Job is only ever waited for to complete, and this is written
 * out. Throws InvalidValueError that names `field` on anything else, on one named twice and on more than 64.
 */
export function parseAfter(field: string, text: string): AfterTarget[] {
  const fault = (remedy: string) => new InvalidValueError(field, text, remedy)
  const words = text
    .split(/[,\n]/)
    .map(word => word.trim())
    .filter(word => word !== '')
  if (words.length > MOST_TARGETS)
    throw fault(`names ${words.length} workloads: at most ${MOST_TARGETS} are waited for`)
  const targets = words.map(word => parseTarget(word, fault))
  if (targets.length === 0) throw fault('names nothing: write it like deployment/db, or leave the annotation out')
  const names = new Set<string>()
  for (const name of targets.map(afterTargetName)) {
    if (names.has(name)) throw fault(`names ${cut(name)} twice: once is enough`)
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

function parseTarget(word: string, fault: (remedy: string) => InvalidValueError): AfterTarget {
  const shown = `has "${cut(word)}"`
  const [, kindText = '', name = '', condition = ''] = /^([^/:]*)\/([^/:]*)(?::(.*))?$/.exec(word) ?? []
  const kind = AFTER_KINDS.find(k => k === kindText)
  if (!kind) {
    throw fault(
      `${shown}, which is of no known kind: write ${AFTER_KINDS.map(kind => afterTargetName({ kind, name: 'NAME' })).join(', ')}`,
    )
  }
  if (!NAME.test(name)) throw fault(`${shown}: write the name of one ${kind} after the slash, like ${kind}/db`)
  if (kind === 'job' && condition !== 'completed') throw fault(`${shown}: write job/${cut(name)}:completed`)
  if (kind !== 'job' && condition !== '')
    throw fault(`${shown}: only a job has a condition, write ${kind}/${cut(name)}`)
  return { kind, name }
}

function isOwn({ kind, name }: AfterTarget, { name: podName, labels, ownerReferences }: ObjectMeta): boolean {
  if (kind === 'pod') return podName === name
  const owner = ownerReferences?.find(({ controller }) => controller === true)
  if (!owner) return false
  if (kind !== 'deployment') return owner.kind.toLowerCase() === kind && owner.name === name
  // The Deployment controller names its ReplicaSets for itself and the template's hash.
  return owner.kind === 'ReplicaSet' && owner.name === `${name}-${labels?.['pod-template-hash']}`
}
