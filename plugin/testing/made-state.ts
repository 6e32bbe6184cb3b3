import { STATE_API_VERSION, type State } from '../../core/state-api.ts'
import type {
  NodeState,
  RecentGrant,
  ScopeState,
  SequencedContainer,
  SequencedPod,
  WaitingGate,
} from '../../core/state-rows.ts'

/* Test support: small states. */

export const AT_MS = Date.parse('2026-01-01T12:00:00Z')

/** A state in which nothing happens, with some of its parts changed; `waiting` and the like are the rows. */
export function madeState({
  waiting = [],
  scopes = [],
  nodes = [],
  pods = [],
  grants = [],
  ...more
}: Partial<Omit<State, 'waiting' | 'scopes' | 'nodes' | 'pods' | 'recent'>> & {
  waiting?: WaitingGate[]
  scopes?: ScopeState[]
  nodes?: NodeState[]
  pods?: SequencedPod[]
  grants?: RecentGrant[]
} = {}): State {
  const rows = <R>(items: R[]) => ({ total: items.length, items })
  const sum = (of: (gate: WaitingGate) => number) =>
    waiting.reduce((total, gate) => total + (gate.resource === 'start' ? of(gate) : 0), 0)
  return {
    apiVersion: STATE_API_VERSION,
    kind: 'State',
    atMs: AT_MS,
    service: {
      version: '0.1.0',
      leader: { pod: 'startgate-lease-service-0', address: '192.0.2.1:8443' },
      term: 4,
      sinceMs: AT_MS - 60_000,
    },
    totals: { pull: { gates: 0, slots: 0 }, start: { gates: sum(() => 1), slots: sum(gate => gate.slots) } },
    waiting: rows(waiting),
    scopes: rows(scopes),
    nodes: rows(nodes),
    pods: rows(pods),
    recent: { grants: rows(grants), releases: rows([]), timeouts: rows([]), failOpens: rows([]) },
    ...more,
  }
}

export function madeGate(pod: string, more: Partial<WaitingGate> = {}): WaitingGate {
  return {
    ...{ id: `start.${pod}.1`, resource: 'start', namespace: 'shop', pod, podUid: pod, gate: 'startgate-start' },
    ...{ containers: ['app'], slots: 1, node: 'worker-1', place: 1, of: 1, cause: 'full' },
    ...{ reason: 'start: full; next in line', sinceMs: AT_MS - 30_000, estimateMs: 10_000, scope: 'node/worker-1' },
    ...more,
  }
}

export function madeScope(scope: string, more: Partial<ScopeState> = {}): ScopeState {
  return {
    ...{ id: `start:${scope}`, resource: 'start', scope, kind: 'node', name: scope.split('/')[1] ?? 'cluster' },
    ...{ held: 2, limit: 2, source: 'somewhere', debt: 0, waiting: 0, gates: 0, frozen: false },
    ...more,
  }
}

export function madeNodeState(id: string, start: Partial<NodeState['start']> = {}): NodeState {
  const none = { held: 0, debt: 0, limit: 1, waiting: 0 }
  return { id, cores: 4, lost: false, pull: none, start: { ...none, limit: 4, ...start } }
}

export function madeGrant(id: number, more: Partial<RecentGrant> = {}): RecentGrant {
  return {
    ...{ id: String(id), atMs: AT_MS, namespace: 'shop', pod: `web-${id}`, gate: 'startgate-start' },
    ...{ resource: 'start', node: 'worker-1', containers: ['app'], slots: 1, waitedMs: 5_000 },
    ...more,
  }
}

export function madeContainer(name: string, more: Partial<SequencedContainer> = {}): SequencedContainer {
  return { name, phase: 'blocked', gate: `startgate-start-${name}`, waitsFor: [], blocks: [], restartCount: 0, ...more }
}

export function madeSequenced(pod: string, containers: SequencedContainer[]): SequencedPod {
  return { id: `shop/${pod}/${pod}`, namespace: 'shop', pod, podUid: pod, node: 'worker-1', agent: true, containers }
}
