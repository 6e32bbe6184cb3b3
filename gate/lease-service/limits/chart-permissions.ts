import { annotationKey, type NamespaceSettings } from '../../../core/annotations.ts'
import { InvalidValueError } from '../../../core/errors.ts'
import type { NamespaceFold } from '../../../core/namespace-settings.ts'
import type { ClusterSettings } from './cluster-settings.ts'

/** What a namespace may write only where the chart allows it, since it touches what other namespaces get. */
const REQUIRED_PERMISSIONS: [keyof NamespaceSettings, 'allowFloor' | 'allowWeight'][] = [
  ['minStartRate', 'allowFloor'],
  ['maxWaitMs', 'allowFloor'],
  ['weight', 'allowWeight'],
]

/** A namespace's settings that are in force: each that the chart does not allow is left out and gets a problem. */
export function withinPermissions(
  { settings, problems }: NamespaceFold,
  cluster: Pick<ClusterSettings, 'allowFloor' | 'allowWeight'>,
  annotations: Record<string, string> = {},
): NamespaceFold {
  const refused = REQUIRED_PERMISSIONS.filter(
    ([field, permission]) => settings[field] !== undefined && !cluster[permission],
  )
  const left = { ...settings }
  for (const [field] of refused) delete left[field]
  const news = refused.map(([field, permission]) => {
    const key = annotationKey(field)
    const remedy = `needs limits.${permission}: true in the chart's values; set it, or remove the annotation`
    return new InvalidValueError(key, annotations[key] ?? '', remedy)
  })
  return { settings: left, problems: [...problems, ...news] }
}
