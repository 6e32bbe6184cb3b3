import { isObject } from '../../core/is-object.ts'
import { INJECTION_LABEL } from '../../core/names.ts'
import type { Namespace } from '../../core/pod.ts'
import { NamespaceView } from '../../webhook/cluster/namespace-view.ts'
import type { NamespaceFacts } from '../../webhook/cluster/settings.ts'
import type { FoundObject } from '../manifest/objects.ts'

/** What the files say of namespaces. */
export interface Namespaces {
  /** Of a namespace that is not in the files: taken as opted in, without annotations. */
  factsOf(name: string): NamespaceFacts | undefined
  isInFiles(name: string): boolean
}

/**
 * Folds Namespaces, LimitRanges and ResourceQuotas of the files into the webhook's own view of namespaces, as if a
 * cluster held these and nothing else. `fallback` is where objects without a namespace go.
 */
export function namespacesIn(found: readonly FoundObject[], fallback: string): Namespaces {
  const view = new NamespaceView()
  const inFiles = new Set<string>()
  view.listed('LimitRange')
  view.listed('ResourceQuota')
  for (const { kind, name, namespace = fallback, object } of found) {
    if (kind === 'Namespace') {
      inFiles.add(name)
      view.set(asNamespace(object, name))
    } else if (kind === 'LimitRange' || kind === 'ResourceQuota') {
      view.constrain(kind, { metadata: { namespace, name }, ...(isObject(object.spec) && { spec: object.spec }) })
    }
  }
  return {
    isInFiles: name => inFiles.has(name),
    factsOf: name => {
      if (!view.factsOf(name)) view.set({ metadata: { name, labels: { [INJECTION_LABEL]: 'enabled' } } })
      return view.factsOf(name)
    },
  }
}

/** With labels and annotations that are text, as the API has no others. */
export function asNamespace({ metadata }: Record<string, unknown>, name: string): Namespace {
  const { labels, annotations } = isObject(metadata) ? metadata : {}
  return { metadata: { name, labels: textsOf(labels), annotations: textsOf(annotations) } }
}

export function textsOf(value: unknown): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => isText(entry[1])))
}

const isText = (value: unknown): value is string => typeof value === 'string'
