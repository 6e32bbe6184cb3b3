import type { RecentRelease } from '../../core/state-rows.ts'

/** How a workload's controller names its pods after the workload's own name. */
const SUFFIXES: Record<string, RegExp> = {
  Pod: /^$/,
  Deployment: /^-[a-z0-9]{1,10}-[a-z0-9]{5}$/,
  StatefulSet: /^-\d{1,10}$/,
  CronJob: /^-\d{1,10}(-\d{1,10})?-[a-z0-9]{5}$/,
}
const GENERATED = /^(-\d{1,10})?-[a-z0-9]{5}$/

/**
 * How long pods of this workload were starting of late, the median in ms, by what the leader remembers of slots that
 * came back since all was ready; undefined where it remembers none. A Deployment `web` and one `web-a` that was rolled
 * out once may be taken for each other where names allow both.
 */
export function recordedMs(
  releases: readonly RecentRelease[],
  { kind, namespace, name }: { kind: string; namespace: string; name: string },
): number | undefined {
  const suffix = SUFFIXES[kind] ?? GENERATED
  const times = releases
    .filter(r => r.resource === 'start' && r.reason === 'Ready' && r.namespace === namespace)
    .filter(({ pod }) => pod.startsWith(name) && suffix.test(pod.slice(name.length)))
    .map(({ heldMs }) => heldMs)
    .sort((a, b) => a - b)
  const medianMs = times[Math.floor((times.length - 1) / 2)]
  // To the second, as the kubelet tells times; pods that start together then end together, which is less to plan.
  return medianMs === undefined ? undefined : Math.max(1, Math.ceil(medianMs / 1_000)) * 1_000
}
