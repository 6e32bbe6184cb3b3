import { readVerdict } from '../../../core/gate-verdict.ts'
import type { Container, ContainerStatus, Pod } from '../../../core/pod.ts'
import type { Grant } from '../model/grant.ts'
import { isStale, storableIds } from './stale-ids.ts'

/** The end of a grant's gate, as a status shows it. */
export interface GateEnd {
  finishedAtMs: number | undefined
}

/**
 * The record of this very grant's gate having let the pod go; undefined when the status shows none. A record from
 * before the grant (known container ID, or another attempt in its termination message) is not it; nor is a gate that
 * was killed.
 */
export function gateEndOf(grant: Grant, pod: Pod): GateEnd | undefined {
  const status = statusOf(pod, grant.gate)
  const end = status?.state?.terminated
  const id = end?.containerID ?? status?.containerID
  if (end?.exitCode !== 0 || !id || isStale(grant, id)) return undefined
  const attempt = attemptIn(end.message)
  if (attempt !== undefined && attempt !== grant.attempt) return undefined
  return { finishedAtMs: stampMs(end.finishedAt) }
}

/**
 * For how long the gate of a ticket has been running, in ms, by its pod's status: 0 when it is not known to. The stamp
 * is the kubelet's, whose clock may be off: no gate is older than its pod, by the API server's clock, or younger than
 * nothing.
 */
export function gateAgeMs(
  pod: Pod,
  { gate, createdAtMs }: Pick<Grant, 'gate' | 'createdAtMs'>,
  wallMs: number,
): number {
  const startedAtMs = stampMs(statusOf(pod, gate)?.state?.running?.startedAt)
  return startedAtMs === undefined ? 0 : Math.max(0, wallMs - Math.max(startedAtMs, createdAtMs))
}

/** The run a gate's termination message tells of; undefined when it does not. */
export function attemptIn(message: string | undefined): number | undefined {
  return readVerdict(message)?.attempt
}

/** What a status tells of a container since the grant's gate ended. `waiting`: nothing has run yet. */
export type Run =
  | { kind: 'waiting'; reason: string }
  | { kind: 'running'; id: string }
  | { kind: 'ended'; exitCode: number; reason: string }

/**
 * Reads one container's status. A run counts only with a container ID that was not there before the grant, and a start
 * not before the gate's end (both stamps are the kubelet's own, in whole seconds). A container that runs again after
 * such a run has ended.
 */
export function runOf(status: ContainerStatus | undefined, grant: Grant, gate: GateEnd): Run {
  const { running, terminated, waiting } = status?.state ?? {}
  const last = status?.lastState?.terminated
  const isNew = (id: string | undefined, startedAt: string | undefined): id is string => {
    if (!id || isStale(grant, id)) return false
    const startedAtMs = stampMs(startedAt)
    return startedAtMs === undefined || gate.finishedAtMs === undefined || startedAtMs >= gate.finishedAtMs
  }
  const ended = [terminated, last].find(end => end && isNew(end.containerID, end.startedAt))
  if (ended) return { kind: 'ended', exitCode: ended.exitCode, reason: waiting?.reason ?? ended.reason ?? '' }
  if (running && isNew(status?.containerID, running.startedAt)) return { kind: 'running', id: status.containerID }
  return { kind: 'waiting', reason: waiting?.reason ?? '' }
}

export function statusOf(pod: Pod, name: string): ContainerStatus | undefined {
  const isIt = (status: ContainerStatus): boolean => status.name === name
  return pod.status?.initContainerStatuses?.find(isIt) ?? pod.status?.containerStatuses?.find(isIt)
}

/** Whether a running container is past starting by its probes; undefined when it has none that tell. */
export function isPastStarting(
  container: Container | undefined,
  status: ContainerStatus | undefined,
): boolean | undefined {
  if (container?.startupProbe) return status?.started === true
  return container?.readinessProbe ? status?.ready === true : undefined
}

/**
 * Container IDs in a status that speak of runs before a grant made now, of its gate and its containers: every ID but
 * those of init containers that run at this moment, since the gate that asks is one of them. As a Lease can hold them.
 */
export function staleContainerIds(pod: Pod, { gate, containers }: Pick<Grant, 'gate' | 'containers'>): string[] {
  const names = new Set<string>([gate, ...containers])
  const initStatuses = (pod.status?.initContainerStatuses ?? []).filter(s => names.has(s.name))
  const containerStatuses = (pod.status?.containerStatuses ?? []).filter(s => names.has(s.name))
  const ids = [
    ...initStatuses.filter(s => !s.state?.running).map(s => s.containerID),
    ...containerStatuses.map(s => s.containerID),
    ...[...initStatuses, ...containerStatuses].flatMap(s => [
      s.state?.terminated?.containerID,
      s.lastState?.terminated?.containerID,
    ]),
  ]
  return storableIds([...new Set(ids.filter(id => id !== undefined))])
}

/** Undefined for a stamp that is absent or no date. Kubernetes' stamps in pods have whole seconds. */
export function stampMs(stamp: string | undefined): number | undefined {
  const ms = Date.parse(stamp ?? '')
  return Number.isNaN(ms) ? undefined : ms
}
