import type { GateName } from '../../../core/names.ts'
import type { StateResource, WaitingCause } from '../../../core/state-rows.ts'

export type Resource = StateResource

/**
 * What a gate waits for. All of it but `attempt` comes from the pod as the API server shows it, never from what the
 * gate says, so the queue can be computed again from pods at any time.
 */
export interface Ticket {
  /**
   * `<resource>.<podUid>.<attempt>`, and `.<gate>` for a stage of a sequenced pod: a gate that asks again finds its own
   * ticket or grant.
   */
  key: string
  resource: Resource
  gate: GateName
  attempt: number
  podUid: string
  podName: string
  namespace: string
  nodeName: string
  /** What occupies the slots: app containers, also moved ones, for `start`; image steps for `pull`. */
  containers: string[]
  /** `start`: one a container. `pull`: one a pod. */
  slots: number
  /** `pull`: the images that will be pulled, by their keys (image-key.ts). */
  images: string[]
  priority: number
  /** creationTimestamp of the pod. */
  createdAtMs: number
}

/** Whose ticket or grant has this key. */
export function podUidOf(key: string): string {
  const from = key.indexOf('.') + 1
  const to = key.indexOf('.', from)
  return from === 0 ? '' : key.slice(from, to === -1 ? undefined : to)
}

/** Slots given out; stored as one Lease object, so that a grant is atomic. */
export interface Grant extends Ticket {
  /** Term of the leader that wrote or last confirmed it. */
  term: number
  /** Wall clock, for people; timeouts run from when this process first saw the grant. */
  grantedAtMs: number
  /** How long a container may be starting, or a pull may take, before its slot comes back. */
  timeoutMs: number
  /**
   * Container IDs the pod's status showed before the grant, or digests of them (stale-ids.ts): what they say is about
   * an earlier run.
   */
  staleContainerIds: string[]
  /**
   * Its namespace was only observed then, so nobody asked whether there is room: its slots are debt, and held nowhere.
   */
  isObserved?: true
  /**
   * A pull of images that other grants pull to the same node: it holds no slot as long as they do, and one when they
   * end while it goes on. Stored, so that a later leader holds that slot too; `slots` is 0, by which an earlier version
   * counts it.
   */
  isRider?: true
}

/** Whether a grant needs no slot at all, now or later, and so no Lease. */
export function isFree({ slots, isRider }: Pick<Grant, 'slots' | 'isRider'>): boolean {
  return slots === 0 && !isRider
}

/** What a ticket waits for, as the state API tells it. */
export type WaitCause = WaitingCause

/** Why a ticket waits, in words for the person on call. */
export interface Waiting {
  key: string
  resource: Resource
  namespace: string
  cause: WaitCause
  /** 1 is next. */
  place: number
  of: number
  reason: string
  estimateMs?: number
}

export type ReleaseReason =
  | 'Ready'
  | 'Pulled'
  | 'Failed'
  | 'BackOff'
  | 'TimedOut'
  | 'PodGone'
  | 'PodFinished'
  | 'NodeLost'

export interface Release {
  grant: Grant
  reason: ReleaseReason
  /** Containers of the grant that were not ready in time. */
  late: readonly string[]
}

/** A container's own slot was taken back, while others of its grant may go on holding theirs. */
export interface SlotTimeout {
  grant: Grant
  container: string
}
