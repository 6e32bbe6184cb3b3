import type { Container, PodSpec } from '../core/pod.ts'

type Fields = Record<string, unknown>

const RESTRICTED_VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

/**
 * What the `restricted` level of the Pod Security Standards has against a pod, one sentence each; none means it is
 * admitted. Source: kubernetes.io/docs/concepts/security/pod-security-standards, baseline and restricted together, for
 * Linux pods.
 */
export function restrictedViolations(spec: PodSpec): string[] {
  const pod = (spec.securityContext ?? {}) as Fields
  const found: string[] = []
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[field] === true) found.push(`${field} is set`)
  for (const volume of spec.volumes ?? []) {
    const source = Object.keys(volume).find(key => key !== 'name') ?? 'none'
    if (!RESTRICTED_VOLUMES.includes(source)) found.push(`volume ${volume.name} is a ${source}`)
  }
  if (pod.sysctls !== undefined) found.push('sysctls are set')
  if (pod.runAsUser === 0) found.push('the pod runs as user 0')
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    found.push(...containerViolations(container, pod).map(violation => `${container.name}: ${violation}`))
  }
  return found
}

function containerViolations(container: Container & { ports?: { hostPort?: number }[] }, pod: Fields): string[] {
  const context = (container.securityContext ?? {}) as Fields
  const capabilities = (context.capabilities ?? {}) as { drop?: string[]; add?: string[] }
  const seccomp = ((context.seccompProfile ?? pod.seccompProfile) as { type?: string } | undefined)?.type
  const rules: [boolean, string][] = [
    [context.privileged === true, 'is privileged'],
    [context.allowPrivilegeEscalation !== false, 'allowPrivilegeEscalation is not false'],
    [(context.runAsNonRoot ?? pod.runAsNonRoot) !== true, 'runAsNonRoot is not true'],
    [context.runAsUser === 0, 'runs as user 0'],
    [seccomp !== 'RuntimeDefault' && seccomp !== 'Localhost', 'has no seccomp profile'],
    [!capabilities.drop?.includes('ALL'), 'does not drop ALL capabilities'],
    [capabilities.add?.some(capability => capability !== 'NET_BIND_SERVICE') ?? false, 'adds capabilities'],
    [context.procMount !== undefined && context.procMount !== 'Default', 'has another procMount'],
    [container.ports?.some(port => port.hostPort) ?? false, 'has a host port'],
  ]
  return rules.flatMap(([isViolated, sentence]) => (isViolated ? [sentence] : []))
}
