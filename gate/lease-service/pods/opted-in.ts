import type { NamespaceSettings } from '../../../core/annotations.ts'
import { INJECTION_LABEL } from '../../../core/names.ts'
import type { Namespace } from '../../../core/pod.ts'

/**
 * What is in force for a namespace, given its annotations. One that is not opted in is off, whatever it writes: our
 * label on a pod there is not the webhook's, or from before the namespace was opted out, and must cost nobody else
 * anything.
 */
export function inForce({ metadata }: Namespace, settings: NamespaceSettings): NamespaceSettings {
  return metadata.labels?.[INJECTION_LABEL] === 'enabled' ? settings : { ...settings, mode: 'off' }
}
