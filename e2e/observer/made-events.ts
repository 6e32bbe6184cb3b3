import type { NodeEvent, ObservedContainer, ObservedPod, ObservedStatus, PodEvent } from './cluster-events.ts'

/** Hand-made events for tests of the folds: what a container's status shows at one moment. */
export interface Shown {
  name?: string
  id?: string
  /** Seconds since the epoch at which it started to run; absent: it does not run. */
  since?: number
  ready?: boolean
  started?: boolean
  restarts?: number
}

export interface Moment {
  pod?: string
  node?: string
  deleting?: boolean
  annotations?: Record<string, string>
  /** The app containers of the spec; one with a readiness probe when absent. */
  spec?: ObservedContainer[]
  shown: Shown[]
}

export const PROBED: ObservedContainer = { name: 'app', readinessProbe: {} }

function status(shown: Shown, pod: string): ObservedStatus {
  const name = shown.name ?? 'app'
  return {
    name,
    ready: shown.ready ?? false,
    ...(shown.started === undefined ? {} : { started: shown.started }),
    restartCount: shown.restarts ?? 0,
    containerID: `containerd://${shown.id ?? `${pod}-${name}`}`,
    state:
      shown.since === undefined
        ? { terminated: { exitCode: 0 } }
        : { running: { startedAt: new Date(shown.since * 1000).toISOString() } },
  }
}

/** One event on one pod; `version` is its resourceVersion and, in seconds, the time at which it was received. */
export function podEvent(version: number, moment: Moment, type: PodEvent['type'] = 'MODIFIED'): PodEvent {
  const name = moment.pod ?? 'a'
  const pod: ObservedPod = {
    metadata: {
      name,
      namespace: 'test',
      uid: `uid-${name}`,
      resourceVersion: String(version),
      ...(moment.deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
      ...(moment.annotations ? { annotations: moment.annotations } : {}),
    },
    spec: { nodeName: moment.node ?? 'n1', containers: moment.spec ?? [PROBED] },
    status: { containerStatuses: moment.shown.map(s => status(s, name)) },
  }
  return { kind: 'pod', type, resourceVersion: version, receivedAtMs: version * 1000, pod }
}

/** One event on one node. */
export function nodeEvent(version: number, name: string, ready: string): NodeEvent {
  const node = {
    metadata: { name, resourceVersion: String(version) },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  }
  return { kind: 'node', type: 'MODIFIED', resourceVersion: version, receivedAtMs: version * 1000, node }
}
