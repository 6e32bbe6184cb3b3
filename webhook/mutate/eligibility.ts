import { INJECT_LABEL, INJECTION_LABEL } from '../../core/names.ts'
import type { Pod } from '../../core/pod.ts'
import type { InjectSettings, NamespaceFacts } from '../cluster/settings.ts'
import { isWindowsPod } from '../pod/windows.ts'

export interface Subject {
  pod: Pod
  /** Of the request: the pod's own field may be empty. */
  namespace: string
  /** Undefined while the namespace is too new to be known. */
  facts: NamespaceFacts | undefined
  settings: Pick<InjectSettings, 'ownNamespace' | 'skippedNamespaces' | 'allowOptOut'>
}

interface Rule {
  sentence: string
  applies(subject: Subject): boolean
}

/** Why a pod is left alone. The key is the reason in metrics and logs. */
const RULES = {
  MirrorPod: {
    sentence: 'the kubelet owns static pods: what is changed here would not reach the node',
    applies: ({ pod }) => pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined,
  },
  OptedOut: {
    sentence: `the pod has the label ${INJECT_LABEL}=false`,
    applies: ({ pod, settings }) => settings.allowOptOut && asksToOptOut(pod),
  },
  NamespaceNotOptedIn: {
    sentence: `the namespace does not have the label ${INJECTION_LABEL}=enabled`,
    // The API server selects by the same label; a namespace not known yet was just created, and it knows better.
    applies: ({ facts }) => facts !== undefined && facts.labels[INJECTION_LABEL] !== 'enabled',
  },
  SystemNamespace: {
    sentence: 'the cluster and startgate itself must start without startgate',
    applies: ({ namespace, settings }) => namespace.startsWith('kube-') || namespace === settings.ownNamespace,
  },
  SkippedNamespace: {
    sentence: 'the namespace is on the list of those never gated',
    applies: ({ namespace, settings }) => settings.skippedNamespaces.includes(namespace),
  },
  HostNetworkDaemonSet: {
    sentence: 'network plugins and their like run this way, and a node is not Ready without them',
    applies: ({ pod }) => pod.spec.hostNetwork === true && isOfDaemonSet(pod),
  },
  Windows: {
    sentence: 'gates are Linux programs',
    applies: ({ pod }) => isWindowsPod(pod),
  },
  NodeCritical: {
    sentence: 'its node may not become Ready without it: network, storage and device plugins have this priority class',
    // By name alone, which the API server's admission has filled in from a class that is the default. The number says
    // no more: no other class may have it. system-cluster-critical is gated: nodes become Ready without such pods, and
    // many controllers have it.
    applies: ({ pod }) => pod.spec.priorityClassName === 'system-node-critical',
  },
  ModeOff: {
    sentence: 'the namespace has the annotation startgate.dev/mode: off',
    applies: ({ facts }) => facts?.settings.mode === 'off',
  },
} satisfies Record<string, Rule>

export type SkipReason = keyof typeof RULES

export type Eligibility = { kind: 'gate' } | { kind: 'skip'; reasons: SkipReason[] }

/**
 * Whether a pod is gated; all reasons against it, not only the first. A pod that is skipped stays as it is, also one
 * that wears our `gated` label: without our gates in its spec the lease service does not count it.
 */
export function eligibility(subject: Subject): Eligibility {
  const rules: [string, Rule][] = Object.entries(RULES)
  const reasons = rules.filter(([, rule]) => rule.applies(subject)).map(([reason]) => reason as SkipReason)
  return reasons.length === 0 ? { kind: 'gate' } : { kind: 'skip', reasons }
}

/** The sentence behind a reason, for people. */
export function skipSentence(reason: SkipReason): string {
  return RULES[reason].sentence
}

/** Whether the pod has the label by which it may be left alone. */
export function asksToOptOut({ metadata }: Pod): boolean {
  return metadata.labels?.[INJECT_LABEL] === 'false'
}

function isOfDaemonSet(pod: Pod): boolean {
  return (pod.metadata.ownerReferences ?? []).some(owner => owner.kind === 'DaemonSet')
}
