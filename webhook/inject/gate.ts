import {
  GATE_ENV,
  GATE_PROGRAM,
  type GateName,
  SHARED_PATH,
  SHARED_VOLUME,
  TOKEN_DIRECTORY,
  TOKEN_VOLUME,
} from '../../core/names.ts'
import type { Container, ResourceRequirements } from '../../core/pod.ts'
import type { InjectSettings } from '../settings.ts'

export const GATE_COMMAND = ['node', GATE_PROGRAM]

export interface GateOptions {
  settings: Pick<
    InjectSettings,
    'image' | 'imagePullPolicy' | 'address' | 'serverName' | 'ca' | 'failOpenJitterMs' | 'runAsUser'
  >
  resources: ResourceRequirements
  /** The pod's own, the namespace's or the cluster's. */
  failOpenAfterMs: number
}

/** An init container that waits for a slot. Fit for Pod Security level restricted. */
export function gateContainer(name: GateName, { settings, resources, failOpenAfterMs }: GateOptions): Container {
  return {
    name,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    command: GATE_COMMAND,
    env: [
      { name: GATE_ENV.gate, value: name },
      { name: GATE_ENV.address, value: settings.address },
      { name: GATE_ENV.serverName, value: settings.serverName },
      { name: GATE_ENV.ca, value: settings.ca },
      { name: GATE_ENV.podUid, valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
      { name: GATE_ENV.failOpenAfter, value: goDuration(failOpenAfterMs) },
      { name: GATE_ENV.failOpenJitter, value: goDuration(settings.failOpenJitterMs) },
    ],
    resources,
    volumeMounts: [
      { name: SHARED_VOLUME, mountPath: SHARED_PATH },
      { name: TOKEN_VOLUME, mountPath: TOKEN_DIRECTORY, readOnly: true },
    ],
    securityContext: {
      // A number, or a pod-level runAsUser of 0 would be inherited and runAsNonRoot keep the gate from starting.
      ...(settings.runAsUser !== null && { runAsUser: settings.runAsUser, runAsGroup: settings.runAsUser }),
      runAsNonRoot: true,
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }
}

function goDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}
