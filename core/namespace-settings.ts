import { type NamespaceSettings, parseNamespaceAnnotations } from './annotations.ts'
import { keepLastGood, type SettingsFold } from './last-good.ts'
import type { Namespace } from './pod.ts'

export type NamespaceFold = SettingsFold<NamespaceSettings>

/** Folds one more observation of a namespace into what was in force. */
export function foldNamespace(previous: NamespaceFold | undefined, namespace: Namespace): NamespaceFold {
  return keepLastGood(previous?.settings, parseNamespaceAnnotations(namespace.metadata.annotations))
}
