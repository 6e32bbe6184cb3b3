import type { GateVerdict } from '../core/lease-api.ts'
import { BUSYBOX_IN_IMAGE, GATED_LABEL, INJECTION_LABEL, PULL_GATE, START_GATE } from '../core/names.ts'
import type { ContainerStatus, ObjectMeta, Pod } from '../core/pod.ts'

/** On what the chart makes for `helm test`, its namespace too. */
export const OWN_LABELS = { 'app.kubernetes.io/name': 'startgate', 'app.kubernetes.io/component': 'test' } as const

/** What `helm test` finds. `waiting` is not final. */
export type Finding = { kind: 'waiting' | 'passed' | 'failed'; sentence: string }

export interface TestPodSpec {
  name: string
  namespace: string
  image: string
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
}

/** An ordinary pod that restricted Pod Security admits; it names no user, the image's own is not root. */
export function testPod({
  name,
  namespace,
  image,
  imagePullPolicy,
}: TestPodSpec): Pod & { apiVersion: string; kind: string } {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'app',
          image,
          imagePullPolicy,
          command: [BUSYBOX_IN_IMAGE, 'sleep', '600'],
          resources: { requests: { cpu: '10m', memory: '16Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  }
}

/** Whether helm may delete and make the test's namespace: only one that a former test left, or none. */
export function judgeNamespace(name: string, found: { metadata: ObjectMeta } | undefined): Finding {
  if (!found) return { kind: 'passed', sentence: `namespace ${name} is not there: the test makes it` }
  const labels = found.metadata.labels ?? {}
  if (Object.entries(OWN_LABELS).every(([label, value]) => labels[label] === value))
    return { kind: 'passed', sentence: `namespace ${name} is left from a former test: it is made anew` }
  const ours = Object.entries(OWN_LABELS).map(([label, value]) => `${label}=${value}`)
  const remedy = `the test would delete it with all that is in it: delete it yourself if nobody needs it`
  return {
    kind: 'failed',
    sentence: `namespace ${name} is there without ${ours.join(', ')}, so it is somebody's: ${remedy}`,
  }
}

/** Whether the API server asked the webhook when the pod was made. */
export function isGated(pod: Pod): boolean {
  return (pod.spec.initContainers ?? []).some(container => container.name === START_GATE)
}

/** Judges the pod as the API server shows it: were its gates injected, did they end by a grant, does it run? */
export function judge(pod: Pod): Finding {
  if (!isGated(pod)) {
    const cause = `is the namespace labelled ${INJECTION_LABEL}=enabled, does a webhook replica answer, does the webhook configuration hold its CA?`
    return { kind: 'failed', sentence: `the pod was created without ${START_GATE}: ${cause}` }
  }
  if (pod.metadata.labels?.[GATED_LABEL] !== 'true')
    return { kind: 'failed', sentence: `the pod has gates but not the label ${GATED_LABEL}` }
  if (pod.status?.phase === 'Failed')
    return { kind: 'failed', sentence: `the pod failed: ${pod.status.reason ?? 'no reason given'}` }
  const gates = (pod.spec.initContainers ?? [])
    .map(container => container.name)
    .filter(name => name === PULL_GATE || name === START_GATE)
  const statuses = pod.status?.initContainerStatuses ?? []
  for (const gate of gates) {
    const finding = judgeGate(
      gate,
      statuses.find(status => status.name === gate),
    )
    if (finding) return finding
  }
  const app = pod.status?.containerStatuses?.find(status => status.name === 'app')
  if (!app?.state?.running)
    return { kind: 'waiting', sentence: `the gates are open, the container is not running yet${because(app)}` }
  return { kind: 'passed', sentence: `gated by ${gates.join(', ')}, granted, running` }
}

function judgeGate(name: string, status: ContainerStatus | undefined): Finding | undefined {
  const end = status?.state?.terminated
  if (!end) return { kind: 'waiting', sentence: `${name} has not ended yet${because(status)}` }
  if (end.exitCode !== 0) return { kind: 'failed', sentence: `${name} ended with exit code ${end.exitCode}` }
  const verdict = readVerdict(end.message)
  if (!verdict) return { kind: 'failed', sentence: `${name} left no verdict: ${JSON.stringify(end.message ?? '')}` }
  if (verdict.verdict === 'granted') return undefined
  return {
    kind: 'failed',
    sentence: `${name} had no contact to the lease service and let the pod go: ${verdict.reason ?? 'no reason given'}`,
  }
}

function because(status: ContainerStatus | undefined): string {
  const reason = status?.state?.waiting?.reason
  return reason ? ` (${reason})` : ''
}

function readVerdict(message: string | undefined): GateVerdict | undefined {
  try {
    const value: unknown = JSON.parse(message ?? '')
    return typeof value === 'object' && value !== null && 'verdict' in value ? (value as GateVerdict) : undefined
  } catch {
    return undefined
  }
}
