import type { ContainerSight } from '../../../../core/lease-api.ts'

/** For tests: a container that runs and is not ready yet. */
export function madeSight(id: string, more: Partial<ContainerSight> = {}): ContainerSight {
  return { id, state: 'running', started: true, ready: false, restartCount: 0, ...more }
}
