import { isConditionTrue } from '../../../core/condition.ts'
import { pick } from '../../../core/pick.ts'
import type { ObjectMeta } from '../../../core/pod.ts'

/** What is read of a DaemonSet's pod; fields named as in the API. */
export interface DaemonSetPod {
  metadata: ObjectMeta
  spec?: { nodeName?: string; affinity?: Affinity }
  status?: { conditions?: { type: string; status: string }[] }
}

interface Affinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: { matchFields?: Requirement[] }[] }
  }
}

/** As in a label selector, and in a node selector. */
interface Requirement {
  key: string
  operator: string
  values?: string[]
}

export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: Requirement[]
}

/** As a query has it: `app=cilium,tier in (a,b),!old`. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`)
  return [...equal, ...matchExpressions.map(expressionText)].join(',')
}

function expressionText({ key, operator, values = [] }: Requirement): string {
  if (operator === 'Exists') return key
  if (operator === 'DoesNotExist') return `!${key}`
  return `${key} ${operator.toLowerCase()} (${values.join(',')})`
}

/** The node that a DaemonSet's pod is on, or is meant for: its controller writes that as an affinity. */
export function nodeOf({ spec: { nodeName, affinity } = {} }: DaemonSetPod): string | undefined {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const fields = terms.flatMap(({ matchFields = [] }) => matchFields)
  return nodeName ?? fields.find(({ key }) => key === 'metadata.name')?.values?.[0]
}

/** One that is being deleted serves its node no longer. */
export function isReady({ metadata, status }: DaemonSetPod): boolean {
  return metadata.deletionTimestamp === undefined && isConditionTrue(status?.conditions, 'Ready')
}

/** A node has the DaemonSet's pod, or is about to; and whether one of them there is Ready. Only pods that it owns. */
export function readyOnNodes(pods: Iterable<DaemonSetPod>, daemonSetUid: string): ReadonlyMap<string, boolean> {
  const nodes = new Map<string, boolean>()
  for (const pod of pods) {
    const node = nodeOf(pod)
    const isOurs = pod.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === daemonSetUid)
    if (node !== undefined && isOurs) nodes.set(node, isReady(pod) || (nodes.get(node) ?? false))
  }
  return nodes
}

/** What is kept of a pod: some 400 bytes of 10 KB. */
export function projectDaemonSetPod(pod: DaemonSetPod): DaemonSetPod {
  const { ownerReferences } = pod.metadata
  const nodeName = nodeOf(pod)
  return {
    metadata: {
      ...pick(pod.metadata, ['namespace', 'name', 'uid', 'resourceVersion', 'deletionTimestamp']),
      ownerReferences: ownerReferences?.filter(({ controller }) => controller) ?? [],
    },
    spec: nodeName === undefined ? {} : { nodeName },
    status: { conditions: pod.status?.conditions?.filter(({ type }) => type === 'Ready') ?? [] },
  }
}
