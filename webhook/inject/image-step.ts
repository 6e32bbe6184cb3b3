import { SHARED_PATH, SHARED_VOLUME, TOKEN_DIRECTORY, TRUE_PATH } from '../../core/names.ts'
import type { Container } from '../../core/pod.ts'
import { copiedResources } from './resources.ts'

export const IMAGE_STEP_COMMAND = [TRUE_PATH]

/**
 * An init container of the user's own image that ends at once: the kubelet must pull the image to run it. It has the
 * security context and pull policy of `of`, so that it is judged and pulled as that one is, and
 * its resources, which so cost nothing.
 */
export function imageStepContainer(name: string, of: Container): Container {
  return {
    name,
    ...(of.image && { image: of.image }),
    ...(of.imagePullPolicy && { imagePullPolicy: of.imagePullPolicy }),
    command: IMAGE_STEP_COMMAND,
    resources: copiedResources(of),
    volumeMounts: [
      { name: SHARED_VOLUME, mountPath: SHARED_PATH, readOnly: true },
      // Something must be mounted at this path, or the API server mounts the workload's token here and calls us once
      // more. Our own token is no business of the user's image, so it is the shared directory again.
      { name: SHARED_VOLUME, mountPath: TOKEN_DIRECTORY, readOnly: true },
    ],
    ...(of.securityContext && { securityContext: of.securityContext }),
  }
}
