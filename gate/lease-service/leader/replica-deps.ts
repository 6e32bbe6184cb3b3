import type { Node, Pod } from '../../../core/pod.ts'
import type { AutoStore } from '../store/auto-store.ts'
import type { LeadershipDeps } from './leadership-deps.ts'

export interface LeaderView {
  isLeader: () => boolean
  /** The leader as far as this replica knows; itself included. */
  leader: () => { address: string; term: number } | undefined
  /** Another leader than that is to be expected soon. */
  isChanging: () => boolean
}

export interface ServiceDeps extends Omit<LeadershipDeps, 'term' | 'started' | 'learned' | 'autoStore'> {
  /** Absent: automatic limits that were found are forgotten when the leader changes. */
  newAutoStore?: () => AutoStore
  election: LeaderView
  /** What is kept of what the watches have shown; read on after a pause, it has what came meanwhile. */
  facts: { pods: () => Iterable<Pod>; nodes: () => Iterable<Node> }
}
