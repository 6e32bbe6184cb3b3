import type { Container } from '../../core/pod.ts'
import type { Moved } from '../sequence/sequence-model.ts'

/**
 * The container as an init container, as the user wrote it but for the restart policy that makes it a native sidecar.
 */
export function movedContainer({ container, as }: Moved): Container {
  return as === 'sidecar' ? { ...container, restartPolicy: 'Always' } : container
}
