import { parseNamespaceAnnotations, parseNodeAnnotations } from '../../core/annotations.ts'
import { cut } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'
import { ANNOTATION_PREFIX, INJECT_LABEL, INJECTION_LABEL } from '../../core/names.ts'
import type { FoundObject } from '../manifest/objects.ts'
import { POD_KINDS } from '../manifest/pod-template.ts'
import { textsOf } from './namespaces.ts'

/** Something that counts for nothing, or not for what its author meant; `path` is where it is written. */
export interface ObjectWarning {
  sentence: string
  path: string[]
}

/** What is wrong with an object itself, besides the pod that it makes. */
export function objectWarnings({ kind, object }: FoundObject): ObjectWarning[] {
  const metadata = isObject(object.metadata) ? object.metadata : {}
  const [labels, annotations] = [textsOf(metadata.labels), textsOf(metadata.annotations)]
  if (kind === 'Namespace') {
    const problems = parseNamespaceAnnotations(annotations).problems
    return [...problems.map(({ field, message }) => ignored(field, message)), ...labelWarnings(labels)]
  }
  if (kind === 'Node') return parseNodeAnnotations(annotations).problems.map(p => ignored(p.field, p.message))
  return kind !== 'Pod' && POD_KINDS.includes(kind) ? misplaced(kind, { labels, annotations }) : []
}

/** In a cluster the last good value stays in force; a new namespace or node has none. */
function ignored(key: string, message: string): ObjectWarning {
  return { sentence: `counts for nothing: ${message}`, path: ['metadata', 'annotations', key] }
}

function labelWarnings(labels: Record<string, string>): ObjectWarning[] {
  const value = labels[INJECTION_LABEL]
  if (value === undefined || value === 'enabled' || value === 'disabled') return []
  const sentence = `${INJECTION_LABEL}: ${JSON.stringify(cut(value))} does not opt the namespace in; use enabled`
  return [{ sentence, path: ['metadata', 'labels', INJECTION_LABEL] }]
}

/** Only a pod's own labels and annotations count: on the workload they are read by nobody. */
function misplaced(
  kind: string,
  { labels, annotations }: { labels: Record<string, string>; annotations: Record<string, string> },
): ObjectWarning[] {
  const keys = Object.keys(annotations).filter(key => key.startsWith(ANNOTATION_PREFIX))
  const template = kind === 'CronJob' ? 'spec.jobTemplate.spec.template' : 'spec.template'
  const warn = (field: 'annotations' | 'labels', key: string): ObjectWarning => ({
    sentence: `${cut(key)} on the ${kind} itself counts for nothing; use ${template}.metadata.${field}`,
    path: ['metadata', field, key],
  })
  return [
    ...keys.slice(0, 20).map(key => warn('annotations', key)),
    ...(INJECT_LABEL in labels ? [warn('labels', INJECT_LABEL)] : []),
  ]
}
