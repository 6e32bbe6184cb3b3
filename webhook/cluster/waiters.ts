import type { Clock } from '../../core/clock.ts'
import type { KubeClient } from '../../core/kube/client.ts'
import { isNotFound } from '../../core/kube/kube-error.ts'
import type { Logger } from '../../core/log.ts'
import { lookAgain } from './look-again.ts'

/** The part of a DaemonSet that is read (apps/v1). */
export interface WaiterDaemonSet {
  status?: { numberAvailable?: number }
}

/**
 * How long no node may have a waiter until gates are made that ask by themselves. A cluster of one node has none for a
 * while in each upgrade, and a new installation until its image is there; gates made meanwhile do better to wait.
 */
export const AWAY_MS = 60_000

/** Since when no waiter has been seen, monotonic ms; undefined: there are some, or nobody knows. */
export type NoneSinceMs = number | undefined

/** Goes on with what a look at the DaemonSet shows; undefined: there is no such DaemonSet. */
export function afterLook(since: NoneSinceMs, found: WaiterDaemonSet | undefined, nowMs: number): NoneSinceMs {
  return (found?.status?.numberAvailable ?? 0) > 0 ? undefined : (since ?? nowMs)
}

/** Whether gates should not try to find a waiter. */
export function areAway(since: NoneSinceMs, nowMs: number): boolean {
  return since !== undefined && nowMs - since >= AWAY_MS
}

export interface WaiterViewOptions {
  client: Pick<KubeClient, 'transport'>
  namespace: string
  clock: Clock
  log: Logger
}

/**
 * Follows whether any node has a waiter; `name` is the DaemonSet's, undefined where waiters are off. What cannot be
 * read changes nothing.
 */
export function followWaiters(name: string | undefined, { client, namespace, clock, log }: WaiterViewOptions) {
  let since: NoneSinceMs
  let wereAway = false
  const isAway = (): boolean => areAway(since, clock.monotonicMs())
  if (name === undefined) return { areAway: isAway, stop: () => undefined }
  const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/daemonsets/${encodeURIComponent(name)}`
  const look = async (): Promise<void> => {
    const found = await client.transport
      .request<WaiterDaemonSet>({ method: 'GET', path })
      .catch(error => (isNotFound(error) ? undefined : Promise.reject(error)))
    since = afterLook(since, found, clock.monotonicMs())
  }
  const tell = (): void => {
    if (wereAway === isAway()) return
    wereAway = !wereAway
    if (wereAway) log.warn(`no node has a waiter (DaemonSet ${namespace}/${name}): gates will ask by themselves`)
    else log.info(`nodes have waiters again (DaemonSet ${namespace}/${name}): gates will ask them`)
  }
  // Time alone makes them away, so that is told after a look that failed, too.
  const stop = lookAgain(`DaemonSet ${namespace}/${name}`, () => look().finally(tell), log)
  return { areAway: isAway, stop }
}
