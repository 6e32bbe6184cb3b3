import { isObject } from '../../core/is-object.ts'
import type { Container, Pod } from '../../core/pod.ts'

/** The second is what nodes of before Kubernetes 1.14 had, and objects of that time still say. */
const OS_LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os'] as const

/**
 * Whether a pod is for Windows nodes, where no gate runs: by its OS, by what selects its nodes, or because it says how
 * it is to run on Windows (HostProcess pods need say no more).
 */
export function isWindowsPod({ spec }: Pod): boolean {
  if (spec.os?.name === 'windows') return true
  if (OS_LABELS.some(label => spec.nodeSelector?.[label] === 'windows')) return true
  return requiresWindowsNode(spec.affinity) || hasWindowsOptions(spec)
}

function hasWindowsOptions({ securityContext, containers, initContainers, ephemeralContainers }: Pod['spec']): boolean {
  const all = [...containers, ...(initContainers ?? []), ...((ephemeralContainers ?? []) as Container[])]
  return [{ securityContext }, ...all].some(given => isObject(given.securityContext?.windowsOptions))
}

/** Node selector terms are alternatives, so each of them must ask for Windows. */
function requiresWindowsNode(affinity: unknown): boolean {
  const nodeAffinity = isObject(affinity) ? affinity.nodeAffinity : undefined
  const required = isObject(nodeAffinity) ? nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution : undefined
  const terms = isObject(required) ? required.nodeSelectorTerms : undefined
  return Array.isArray(terms) && terms.length > 0 && terms.every(asksForWindows)
}

function asksForWindows(term: unknown): boolean {
  const expressions = isObject(term) ? term.matchExpressions : undefined
  return Array.isArray(expressions) && expressions.some(isInWindows)
}

function isInWindows(expression: unknown): boolean {
  if (!isObject(expression) || expression.operator !== 'In' || !Array.isArray(expression.values)) return false
  const { key, values } = expression
  return OS_LABELS.some(label => label === key) && values.length > 0 && values.every(value => value === 'windows')
}
