import type { ContainerSight, GateVerdict } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { Sequence } from '../../../core/sequence.ts'
import type { Notification } from './notify/datagram.ts'
import type { ReadyRules, Track } from './track.ts'

export interface Rules extends ReadyRules {
  sequence: Sequence
  /** Which run of the pod's init containers this is. */
  attempt: number
}

export interface StageState {
  /** Since when the gate listens: the kubelet has come this far. */
  hereMs?: number
  /** Its slots are being asked for. */
  isAsking?: boolean
  verdict?: GateVerdict
  openedMs?: number
  /** The gate has heard the word. */
  hasPassed?: boolean
}

/** All that the agent knows; plain data. Stages are in the order of the sequence. */
export interface SequencingState {
  stages: StageState[]
  tracks: Record<string, Track>
  /** The pod's status was shown at least once: only then are runs of an earlier sandbox told from those of this one. */
  hasSights: boolean
  /** No message from a leader for longer than this pod's fail-open time. */
  isAlone: boolean
}

export type SequencingEvent =
  | { kind: 'sights'; containers: Record<string, ContainerSight> }
  | { kind: 'gate-here'; gate: GateName }
  | { kind: 'gate-passed'; gate: GateName }
  | { kind: 'verdict'; gate: GateName; verdict: GateVerdict }
  /** A datagram, or the same from a PID file or a bus. */
  | { kind: 'notification'; container: string; said: Notification; wallMs: number }
  | { kind: 'alone'; isAlone: boolean }
  | { kind: 'tick' }

export type Effect =
  | { kind: 'ask'; gate: GateName }
  | { kind: 'withdraw'; gate: GateName }
  | { kind: 'open'; gate: GateName; verdict: GateVerdict }

export type Phase = 'blocked' | 'pending' | 'starting' | 'ready' | 'failed'

export function startSequencing({ sequence }: Rules): SequencingState {
  const names = sequence.stages.flatMap(stage => stage.containers)
  return {
    stages: sequence.stages.map(() => ({})),
    tracks: Object.fromEntries(names.map(name => [name, {}])),
    hasSights: false,
    isAlone: false,
  }
}
