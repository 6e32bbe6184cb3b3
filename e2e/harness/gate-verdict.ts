import type { ObservedPod, ObservedState } from '../observer/cluster-events.ts'
import type { TestNamespace } from './test-namespace.ts'

/** How the start gate of a pod ended; undefined while it has not. */
export function startGateEnd(pod: ObservedPod): ObservedState['terminated'] {
  return gateEnd(pod, 'startgate-start')
}

function gateEnd({ status }: ObservedPod, gate: string): ObservedState['terminated'] {
  return status?.initContainerStatuses?.find(s => s.name === gate)?.state?.terminated
}

interface Verdict {
  verdict?: string
  waitedMs?: number
}

/** The start gate's own verdict, which it leaves in its termination message. */
export function startVerdict(pod: ObservedPod): Verdict {
  return gateVerdict(pod, 'startgate-start')
}

/** The same of any gate. */
export function gateVerdict(pod: ObservedPod, gate: string): Verdict {
  return JSON.parse(gateEnd(pod, gate)?.message ?? '{}') as Verdict
}

/** What the start gates of a workload's pods have logged: all of it, or only the last lines of each. */
export async function startGateLogs(namespace: TestNamespace, tail = -1): Promise<string> {
  return [...(await namespace.logs('startgate-start', tail)).values()].join('\n')
}
