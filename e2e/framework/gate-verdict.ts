import type { ObservedPod, ObservedState } from './cluster-events.ts'
import type { TestNamespace } from './test-namespace.ts'

/** How the start gate of a pod ended; undefined while it has not. */
export function startGateEnd({ status }: ObservedPod): ObservedState['terminated'] {
  return status?.initContainerStatuses?.find(s => s.name === 'startgate-start')?.state?.terminated
}

/** The start gate's own verdict, which it leaves in its termination message. */
export function startVerdict(pod: ObservedPod): { verdict?: string; waitedMs?: number } {
  return JSON.parse(startGateEnd(pod)?.message ?? '{}') as { verdict?: string; waitedMs?: number }
}

/** What the start gates of a workload's pods have logged: all of it, or only the last lines of each. */
export async function startGateLogs(namespace: TestNamespace, tail = -1): Promise<string> {
  return [...(await namespace.logs('startgate-start', tail)).values()].join('\n')
}
