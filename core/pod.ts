/**
 * The fields of Kubernetes objects that startgate reads, named as in the API.
 * Everything else in an object is opaque and passes through untouched.
 */
export interface ObjectMeta {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[]
}

export interface ResourceRequirements {
  requests?: Record<string, string>
  limits?: Record<string, string>
  claims?: unknown
}

export interface Probe {
  initialDelaySeconds?: number
  periodSeconds?: number
  failureThreshold?: number
  timeoutSeconds?: number
  exec?: { command?: string[] }
}

export interface VolumeMount {
  name: string
  mountPath: string
  readOnly?: boolean
  subPath?: string
  subPathExpr?: string
}

export interface Container {
  name: string
  image?: string
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never'
  command?: string[]
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: unknown }[]
  resources?: ResourceRequirements
  volumeMounts?: VolumeMount[]
  securityContext?: Record<string, unknown>
  restartPolicy?: string
  startupProbe?: Probe
  readinessProbe?: Probe
  livenessProbe?: Probe
  lifecycle?: unknown
}

export interface PodSpec {
  containers: Container[]
  initContainers?: Container[]
  volumes?: { name: string; [source: string]: unknown }[]
  nodeName?: string
  priority?: number
  restartPolicy?: 'Always' | 'OnFailure' | 'Never'
  terminationGracePeriodSeconds?: number
  hostNetwork?: boolean
  os?: { name: string }
  nodeSelector?: Record<string, string>
  securityContext?: Record<string, unknown>
  resources?: ResourceRequirements
  [field: string]: unknown
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string }
  running?: { startedAt?: string }
  terminated?: {
    exitCode: number
    reason?: string
    message?: string
    startedAt?: string
    finishedAt?: string
    containerID?: string
  }
}

export interface ContainerStatus {
  name: string
  ready: boolean
  started?: boolean
  restartCount: number
  image?: string
  imageID?: string
  containerID?: string
  state?: ContainerState
  lastState?: ContainerState
}

export interface Pod {
  metadata: ObjectMeta
  spec: PodSpec
  status?: {
    phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'
    reason?: string
    message?: string
    containerStatuses?: ContainerStatus[]
    initContainerStatuses?: ContainerStatus[]
    conditions?: { type: string; status: string; reason?: string }[]
  }
}

export interface Node {
  metadata: ObjectMeta
  spec?: { unschedulable?: boolean; taints?: { key: string; effect: string }[] }
  status?: {
    capacity?: Record<string, string>
    images?: { names?: string[]; sizeBytes?: number }[]
    nodeInfo?: { kubeletVersion?: string; containerRuntimeVersion?: string }
    conditions?: { type: string; status: string }[]
  }
}

export interface Namespace {
  metadata: ObjectMeta
  status?: { phase?: string }
}
