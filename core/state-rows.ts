import type { Pressure } from './pressure.ts'

/* What the state API tells of, row by row: core/state-api.ts has the contract, and how times are written. */

export type StateResource = 'pull' | 'start'

/** A list that may be cut: `items` are at most as many as may be told at once, `total` is how many there are. */
export interface Rows<R> {
  total: number
  /** Each with an `id` that no other one in the list has. Ordered as each list says. */
  items: R[]
}

export interface Totals {
  /** Gates that wait. */
  gates: number
  /** Slots they ask for. */
  slots: number
  /** Since when the one that has waited longest has waited; absent when none waits. */
  sinceMs?: number
}

export type ScopeKind =
  | 'cluster'
  | 'node'
  | 'namespace'
  | 'namespace-on-node'
  | 'registry'
  | 'image'
  | 'cluster-rate'
  | 'namespace-rate'

/** One limit of one resource, and how much of it is used. */
export interface ScopeState {
  /** `<resource>:<scope>`: a scope has a row for each resource. */
  id: string
  resource: StateResource
  /**
   * `cluster`, `node/x`, `namespace/y`, `namespace/y/node/x`, `registry/z`, `image/z/sha256-…`; of rates
   * `rate/cluster`, `rate/namespace/y`.
   */
  scope: string
  kind: ScopeKind
  /** Of the node, namespace, registry or image (of a namespace on a node: the namespace); `cluster` for the cluster. */
  name: string
  /** Where `kind` is `namespace-on-node`. */
  node?: string
  /** Slots held; in `cluster` of each namespace no more than its share. */
  held: number
  /** Absent where there is no limit. Of a rate: slots that may be given out in one `windowMs`. */
  limit?: number
  windowMs?: number
  /** Where the limit is written, in words: `startgate.dev/max-starting: 2 on namespace shop`. */
  source?: string
  /** Starts without a slot: restarts, late starts, fail-opens; and starts and pulls of observed namespaces. */
  debt: number
  /** Slots that gates ask for which this scope blocks. */
  waiting: number
  /** How many gates those are. */
  gates: number
  /** The limit is 0: nobody starts there. */
  frozen: boolean
}

/**
 * What a gate waits for: free slots (`full`, `behind`, `oversize`), a limit above 0 (`frozen`), the workloads or
 * containers it comes after (`order`), its node or pod (`node-lost`, `pod-unknown`), or another try after a fault
 * (`set-aside`).
 */
export type WaitingCause =
  | 'full'
  | 'behind'
  | 'oversize'
  | 'frozen'
  | 'order'
  | 'node-lost'
  | 'pod-unknown'
  | 'set-aside'

/** One gate that waits. A pod waits with one gate at a time, but for a sequenced one, which may with several. */
export interface WaitingGate {
  /** Key of its ticket: `<resource>.<pod UID>.<run>`, and `.<gate>` for a stage of a sequenced pod. */
  id: string
  resource: StateResource
  namespace: string
  pod: string
  podUid: string
  /** Name of the gate's container. */
  gate: string
  /** What starts, or for `pull` the image steps that run, when it is let go. */
  containers: string[]
  /** Slots it asks for. */
  slots: number
  node: string
  /** In the line of `scope`; 1 is next. */
  place: number
  of: number
  cause: WaitingCause
  /** In words, as the gate's log and Events have it. */
  reason: string
  /** Since when: its container runs, by the pod's status, or where that is not known, it first asked this leader. */
  sinceMs: number
  /** How long it will probably wait on; absent where nobody can tell. In steps, so that it does not change always. */
  estimateMs?: number
  /** What blocks it: `scope` of a ScopeState. Absent where it waits for something other than slots. */
  scope?: string
}

export interface NodeSlots {
  held: number
  debt: number
  /** Absent where there is no limit. */
  limit?: number
  /** Slots that gates ask for which wait for this node. */
  waiting: number
}

export interface NodeState {
  /** Its name. */
  id: string
  pull: NodeSlots
  start: NodeSlots
  /** CPUs, whole or broken. */
  cores: number
  /** The kubelet has not been heard of for the node monitor's grace period. */
  lost: boolean
  /** As its waiter or gates have told lately, in percent; absent where nothing is known or nobody asks. */
  pressure?: Pressure
  /** Where its start limit is what it found by itself: `3 now, CPU 96 % busy`. */
  auto?: string
  /** Held back to one start at a time, since it is under more pressure than allowed. */
  heldBack?: true
}

/**
 * `pulling`: the pod's images are being pulled, or wait for it. `blocked`: it waits for others (`waitsFor`). `pending`:
 * it waits for a start slot. `starting`: it runs, or is about to. `ready`: it is past starting, or has completed.
 * `timed-out`: it was not ready in time, its slot went to the next pod, and it goes on. `failed`: it has ended and not
 * well; the kubelet may run it again.
 */
export type ContainerPhase = 'pulling' | 'blocked' | 'pending' | 'starting' | 'ready' | 'timed-out' | 'failed'

/** A pod with an order among its containers. */
export interface SequencedPod {
  /** `<namespace>/<pod>/<UID>` */
  id: string
  namespace: string
  pod: string
  podUid: string
  node: string
  /** Its agent is connected to the leader. */
  agent: boolean
  /** In the order in which they start. */
  containers: SequencedContainer[]
}

export interface SequencedContainer {
  name: string
  phase: ContainerPhase
  /** Its gate; containers with the same one start together. */
  gate: string
  /** Dependencies that do not hold yet: who blocks it. */
  waitsFor: { container: string; condition: 'started' | 'ready' | 'completed' }[]
  /** Who waits for it, directly or not, while it is not `ready`. */
  blocks: string[]
  /** When its present run started, by the node's clock, to the second. */
  startedAtMs?: number
  restartCount: number
  exitCode?: number
  /** STATUS= and ERRNO= of a container that notifies. */
  status?: string
}

/** What has happened of late, the latest MAX_RECENT of each kind, newest last. `total`: since this replica leads. */
export interface RecentNews {
  grants: Rows<RecentGrant>
  releases: Rows<RecentRelease>
  timeouts: Rows<RecentTimeout>
  failOpens: Rows<RecentFailOpen>
}

export interface RecentEntry {
  /** A number, as text, that grows. */
  id: string
  atMs: number
  namespace: string
  pod: string
  /** Name of the gate's container. */
  gate: string
}

/** A gate was let go. */
export interface RecentGrant extends RecentEntry {
  resource: StateResource
  node: string
  containers: string[]
  /** 0 where it needed none. */
  slots: number
  waitedMs: number
}

/** A grant's last slot came back. */
export interface RecentRelease extends RecentEntry {
  resource: StateResource
  node: string
  /** `Ready`, `Pulled`, `Failed`, `BackOff`, `TimedOut`, `PodGone`, `PodFinished`, `NodeLost`. */
  reason: string
  heldMs: number
}

/** A container was not ready in time, and its slot went to the next pod. */
export interface RecentTimeout extends RecentEntry {
  resource: StateResource
  node: string
  container: string
  timeoutMs: number
}

/** A gate let its pod go without a slot. The words are the pod's own: a pod can write any. */
export interface RecentFailOpen extends RecentEntry {
  waitedMs: number
  reason: string
}
