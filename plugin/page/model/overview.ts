import type { State } from '../../../core/state-api.ts'
import type { RecentNews, StateResource } from '../../../core/state-rows.ts'
import { type InForce, inForce } from './in-force.ts'
import { type Notice, noticesOf } from './notices.ts'
import { since, theirs } from './words.ts'

/** What the overview shows. */
export interface Overview {
  service: { leader: string; version: string; term: number; leadsFor: string }
  resources: ResourceCard[]
  notices: Notice[]
  /** Newest first. */
  lately: Happening[]
}

export interface ResourceCard extends InForce {
  resource: StateResource
  gates: number
  slots: number
  /** How long the one has waited that has waited longest; absent when none waits. */
  longest?: string
}

export interface Happening {
  id: string
  atMs: number
  pod: string
  namespace: string
  kind: 'granted' | 'ready' | 'ended' | 'timed out' | 'failed open'
  detail: string
}

const MOST_HAPPENINGS = 12

export function overviewOf(state: State, nowMs: number): Overview {
  const { version, leader, term, sinceMs } = state.service
  return {
    service: { leader: leader.pod, version, term, leadsFor: since(sinceMs, nowMs) },
    resources: (['start', 'pull'] as const).map(resource => cardOf(state, resource, nowMs)),
    notices: noticesOf(state, nowMs),
    lately: latelyOf(state.recent, nowMs),
  }
}

function cardOf(state: State, resource: StateResource, nowMs: number): ResourceCard {
  const { gates, slots, sinceMs } = totalsOf(state, resource)
  return {
    ...{ resource, ...inForce(state, resource), gates, slots },
    ...(sinceMs !== undefined && { longest: since(sinceMs, nowMs) }),
  }
}

/** Of the cluster, or of the rows of the namespace to which the state is narrowed down. */
function totalsOf({ namespace, totals, waiting }: State, resource: StateResource): State['totals']['start'] {
  if (namespace === undefined) return totals[resource]
  const ours = waiting.items.filter(row => row.resource === resource)
  const oldestMs = ours.reduce((least, row) => Math.min(least, row.sinceMs), Number.POSITIVE_INFINITY)
  return {
    gates: ours.length,
    slots: ours.reduce((sum, row) => sum + row.slots, 0),
    ...(ours.length > 0 && { sinceMs: oldestMs }),
  }
}

function latelyOf({ grants, releases, timeouts, failOpens }: RecentNews, nowMs: number): Happening[] {
  const last = <R>(rows: readonly R[]): readonly R[] => rows.slice(-MOST_HAPPENINGS)
  const all: Happening[] = [
    ...last(grants.items).map(row => ({
      ...entry('g', row),
      kind: 'granted' as const,
      detail: `${row.resource === 'pull' ? 'may pull' : 'may start'} after ${since(nowMs - row.waitedMs, nowMs)}`,
    })),
    ...last(releases.items).map(row => ({
      ...entry('r', row),
      kind: row.reason === 'Ready' || row.reason === 'Pulled' ? ('ready' as const) : ('ended' as const),
      detail: `${releaseWords(row.reason)} after ${since(nowMs - row.heldMs, nowMs)}`,
    })),
    ...last(timeouts.items).map(row => ({
      ...entry('t', row),
      kind: 'timed out' as const,
      detail: `${row.container} was not ready within ${since(nowMs - row.timeoutMs, nowMs)}`,
    })),
    ...last(failOpens.items).map(row => ({
      ...entry('f', row),
      kind: 'failed open' as const,
      detail: theirs(row.reason) || `after ${since(nowMs - row.waitedMs, nowMs)}`,
    })),
  ]
  return all.sort((a, b) => b.atMs - a.atMs || (a.id < b.id ? 1 : -1)).slice(0, MOST_HAPPENINGS)
}

function entry(kind: string, row: { id: string; atMs: number; namespace: string; pod: string }) {
  return { id: kind + row.id, atMs: row.atMs, namespace: row.namespace, pod: row.pod }
}

const RELEASES: Record<string, string> = {
  Ready: 'ready',
  Pulled: 'images pulled',
  Failed: 'failed',
  BackOff: 'in back-off',
  TimedOut: 'slot taken back',
  PodGone: 'pod gone',
  PodFinished: 'pod finished',
  NodeLost: 'node lost',
}

function releaseWords(reason: string): string {
  return RELEASES[reason] ?? reason
}
