import {
  BUSYBOX_IN_IMAGE,
  GATE_ENV,
  GATE_PROGRAM,
  GATE_SHELL_PROGRAM,
  type GateName,
  SHARED_PATH,
  SHARED_VOLUME,
  TOKEN_DIRECTORY,
  TOKEN_VOLUME,
} from '../../core/names.ts'
import type { Container, ResourceRequirements, VolumeMount } from '../../core/pod.ts'
import type { InjectSettings } from '../cluster/settings.ts'
import type { ProxyUser } from '../pod/service-mesh.ts'

export const GATE_COMMAND = ['node', GATE_PROGRAM]
/** Of a gate that waits through its node's waiter. */
export const GATE_SHELL_COMMAND = [BUSYBOX_IN_IMAGE, 'sh', GATE_SHELL_PROGRAM]

export interface GateOptions {
  settings: Pick<
    InjectSettings,
    'image' | 'imagePullPolicy' | 'address' | 'serverName' | 'ca' | 'failOpenJitterMs' | 'runAsUser' | 'waiterPort'
  >
  resources: ResourceRequirements
  /** The pod's own, the namespace's or the cluster's. */
  failOpenAfterMs: number
  /** Whose traffic a service mesh leaves alone, if it redirects others'. */
  proxyUser?: ProxyUser | undefined
  /** The pod as a whole has too little memory for the Node program. */
  isTooSmallForNode?: boolean
}

/** An init container that waits for a slot. Fit for Pod Security level restricted. */
export function gateContainer(name: GateName, options: GateOptions): Container {
  return {
    name,
    ...ownImage(options),
    command: options.settings.waiterPort === undefined ? GATE_COMMAND : GATE_SHELL_COMMAND,
    env: [{ name: GATE_ENV.gate, value: name }, ...leaseServiceEnv(options), ...waiterEnv(options)],
    resources: options.resources,
    volumeMounts: ownMounts(),
    securityContext: ownSecurityContext(options),
  }
}

export function ownImage({ settings }: GateOptions): Pick<Container, 'image' | 'imagePullPolicy'> {
  return { image: settings.image, imagePullPolicy: settings.imagePullPolicy }
}

/** What a program of ours needs to talk to the lease service. */
export function leaseServiceEnv({ settings, failOpenAfterMs }: GateOptions): NonNullable<Container['env']> {
  return [
    { name: GATE_ENV.address, value: settings.address },
    { name: GATE_ENV.serverName, value: settings.serverName },
    { name: GATE_ENV.ca, value: settings.ca },
    { name: GATE_ENV.podUid, valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    { name: GATE_ENV.failOpenAfter, value: goDuration(failOpenAfterMs) },
    { name: GATE_ENV.failOpenJitter, value: goDuration(settings.failOpenJitterMs) },
  ]
}

/** What a gate needs besides to find its node's waiter; without one, nothing. */
function waiterEnv({ settings: { waiterPort }, isTooSmallForNode }: GateOptions): NonNullable<Container['env']> {
  if (waiterPort === undefined) return []
  return [
    { name: GATE_ENV.hostIp, valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    { name: GATE_ENV.waiterPort, value: String(waiterPort) },
    ...(isTooSmallForNode ? [{ name: GATE_ENV.direct, value: 'no' }] : []),
  ]
}

export function ownMounts(): VolumeMount[] {
  return [
    { name: SHARED_VOLUME, mountPath: SHARED_PATH },
    { name: TOKEN_VOLUME, mountPath: TOKEN_DIRECTORY, readOnly: true },
  ]
}

/** By what a container of ours gets its user. */
interface UserOptions extends Pick<GateOptions, 'proxyUser'> {
  settings: Pick<InjectSettings, 'runAsUser'>
}

/** `otherUser`: instead of the usual one, unless users are the cluster's to choose. */
export function ownSecurityContext(options: UserOptions, otherUser?: number): Record<string, unknown> {
  // A number, or a pod-level runAsUser of 0 would be inherited and runAsNonRoot keep the gate from starting.
  const runAsUser = ownUser(options, otherUser)
  return {
    ...(runAsUser !== null && { runAsUser, runAsGroup: runAsUser }),
    runAsNonRoot: true,
    privileged: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  }
}

/** Null: none is named. Where the cluster chooses, it has admitted the proxy's user, if the pod names one. */
function ownUser({ settings, proxyUser }: UserOptions, otherUser?: number): number | null {
  if (settings.runAsUser === null) return proxyUser?.isGiven ? proxyUser.uid : null
  return otherUser ?? proxyUser?.uid ?? settings.runAsUser
}

/** What core/quantity.ts reads as `ms`. */
export function goDuration(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'never'
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}
