import { annotationKey, type NamespaceSettings } from '../../../core/annotations.ts'
import { InvalidValueError } from '../../../core/errors.ts'
import type { NamespaceFold } from '../../../core/namespace-settings.ts'
import type { ClusterSettings } from './cluster-settings.ts'

/** What a namespace may write only where the chart allows it, since it touches what other namespaces get. */
const LEAVES: [keyof NamespaceSettings, 'allowFloor' | 'allowWeight'][] = [
  ['minStartRate', 'allowFloor'],
  ['maxWaitMs', 'allowFloor'],
  ['weight', 'allowWeight'],
]

/** What is in force of a namespace's annotations; what has no leave is left out, and a problem says so. */
export function withLeave(
  { settings, problems }: NamespaceFold,
  cluster: Pick<ClusterSettings, 'allowFloor' | 'allowWeight'>,
  annotations: Record<string, string> = {},
): NamespaceFold {
  const refused = LEAVES.filter(([field, leave]) => settings[field] !== undefined && !cluster[leave])
  const left = { ...settings }
  for (const [field] of refused) delete left[field]
  const news = refused.map(([field, leave]) => {
    const key = annotationKey(field)
    const remedy = `needs limits.${leave}: true in the chart's values; set it, or remove the annotation`
    return new InvalidValueError(key, annotations[key] ?? '', remedy)
  })
  return { settings: left, problems: [...problems, ...news] }
}
