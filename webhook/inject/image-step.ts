import { SHARED_PATH, SHARED_VOLUME, TOKEN_DIRECTORY, TRUE_PATH } from '../../core/names.ts'
import type { Container } from '../../core/pod.ts'
import { type GateOptions, ownSecurityContext } from './gate.ts'

export const IMAGE_STEP_COMMAND = [TRUE_PATH]

/**
 * An init container of the user's own image that ends at once: the kubelet must pull the image to run it, with the pull
 * policy of `of`. It needs no more than a gate does, and asks for the same.
 */
export function imageStepContainer(name: string, of: Container, options: GateOptions): Container {
  const securityContext = stepSecurityContext(of, options)
  return {
    name,
    ...(of.image && { image: of.image }),
    ...(of.imagePullPolicy && { imagePullPolicy: of.imagePullPolicy }),
    command: IMAGE_STEP_COMMAND,
    resources: options.resources,
    volumeMounts: [
      { name: SHARED_VOLUME, mountPath: SHARED_PATH, readOnly: true },
      // Something must be mounted at this path, or the API server mounts the workload's token here and calls us once
      // more. Our own token is no business of the user's image, so it is the shared directory again.
      { name: SHARED_VOLUME, mountPath: TOKEN_DIRECTORY, readOnly: true },
    ],
    ...(securityContext && { securityContext }),
  }
}

/**
 * Restricted, as a gate's: what Pod Security has against the pod is then about the user's own containers, by name.
 * Where the cluster chooses users (OpenShift) it is the container's own, which is what the image's user was admitted
 * with.
 */
function stepSecurityContext(of: Container, options: GateOptions): Container['securityContext'] {
  return options.settings.runAsUser === null ? of.securityContext : ownSecurityContext(options)
}
