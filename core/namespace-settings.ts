import { annotationKey, type NamespaceSettings, parseNamespaceAnnotations } from './annotations.ts'
import type { InvalidValueError } from './errors.ts'
import type { Namespace } from './pod.ts'

/** What is in force for a namespace, and what is wrong with its annotations now. */
export interface NamespaceFold {
  settings: NamespaceSettings
  problems: InvalidValueError[]
}

/**
 * Folds one more observation of a namespace into what was in force: good values replace, absent ones clear, and a bad
 * value keeps the last good one of its field, so that a typing mistake neither lifts a limit nor freezes a namespace.
 */
export function foldNamespace(previous: NamespaceFold | undefined, namespace: Namespace): NamespaceFold {
  const { settings, problems } = parseNamespaceAnnotations(namespace.metadata.annotations)
  const bad = new Set(problems.map(problem => problem.field))
  const kept = Object.entries(previous?.settings ?? {}).filter(([field]) => bad.has(annotationKey(field)))
  return { settings: { ...Object.fromEntries(kept), ...settings }, problems }
}
