import type { ObservedContainer, ObservedPod, ObservedStatus } from './cluster-events.ts'

/** For `simple`: a container without a probe is starting for as long as this after its start (design, "starting"). */
export const SETTLE_MS = 5_000
const DEFAULT_START_TIMEOUT_MS = 120_000
const LONGEST_PROBE_BUDGET_MS = 600_000

/**
 * How long a container may be starting before it no longer counts, ms: the pod's annotation, else `fallbackMs` (the
 * namespace's), else the startup probe's own budget up to 10 min, else 2 min.
 */
export function startTimeoutMs(pod: ObservedPod, container: ObservedContainer, fallbackMs?: number): number {
  const written = pod.metadata.annotations?.['startgate.dev/start-timeout']
  if (written !== undefined) return durationMs(written)
  if (fallbackMs !== undefined) return fallbackMs
  const probe = container.startupProbe
  if (!probe) return DEFAULT_START_TIMEOUT_MS
  const budgetSeconds = (probe.initialDelaySeconds ?? 0) + (probe.periodSeconds ?? 10) * (probe.failureThreshold ?? 3)
  return Math.min(budgetSeconds * 1000, LONGEST_PROBE_BUDGET_MS)
}

function durationMs(text: string): number {
  const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
  let sum = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    sum += Number(amount) * (unitMs[unit ?? ''] ?? 0)
  return sum
}

/** Whether this status ends the start of the container that it shows; `simple` ends by age alone, never by status. */
export function pastStarting(container: ObservedContainer, status: ObservedStatus): 'started' | 'ready' | undefined {
  if (container.startupProbe) return status.started === true ? 'started' : undefined
  if (container.readinessProbe) return status.ready ? 'ready' : undefined
  return undefined
}

/** When this container stops being starting by age alone, ms, and why. */
export function ageLimit(
  pod: ObservedPod,
  container: ObservedContainer,
  startedAtMs: number,
  fallbackTimeoutMs?: number,
): { atMs: number; by: 'settled' | 'timeout' } {
  const timeoutAtMs = startedAtMs + startTimeoutMs(pod, container, fallbackTimeoutMs)
  const simple = !container.startupProbe && !container.readinessProbe
  const settledAtMs = startedAtMs + SETTLE_MS
  return simple && settledAtMs <= timeoutAtMs
    ? { atMs: settledAtMs, by: 'settled' }
    : { atMs: timeoutAtMs, by: 'timeout' }
}
