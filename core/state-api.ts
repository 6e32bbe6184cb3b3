import type { Pressure } from './pressure.ts'

/*
 * The state API: what the leader of the lease service knows, for people and their tools (kubectl startgate, the page).
 * Fields and kinds are only added within v1; a reader ignores what it does not know.
 *
 * Where: on the leader's metrics port, over TLS 1.3, with the lease service's certificate. To find it: the Lease
 * ELECTION_LEASE in startgate's namespace; its holderIdentity is `<pod>_<uuid>`; forward to that pod's container port
 * named STATE_PORT_NAME. The server name to verify is `startgate-lease-service.<namespace>.svc`, the CA is the
 * caBundle of the MutatingWebhookConfiguration (with cert-manager: that of its issuer).
 *
 * Who: `Authorization: Bearer TOKEN`, for which the API server says yes to `get queues.startgate.dev`, in all
 * namespaces, or with `?namespace=NAME` in that one. Tokens are those of the API server's own audience.
 *
 * Times: a field that ends in `AtMs` or is named `sinceMs` is in ms since the Unix epoch, by the leader's clock; any
 * other that ends in `Ms` is a duration in ms. All are whole numbers.
 *
 * `GET /v1/state` answers 200 with a State. `GET /v1/state?watch` answers 200 with `text/event-stream`: event `state`
 * (data: State) first, and again whenever the stream must begin anew; then `changes` (data: StateChanges), at most one
 * a second and none when nothing changed; something at least every KEEP_ALIVE_MS, a comment line where there is nothing
 * else; `end` (data: StateRefusal) when the server ends it, as when another replica leads. `data` is always one line of
 * JSON. Follow with applyChanges (state-changes.ts).
 *
 * Any other status: a StateRefusal as JSON.
 */

export const STATE_API_VERSION = 'state.startgate.dev/v1'
export const STATE_PATH = '/v1/state'
/** Name of the container port of a lease service's pod where STATE_PATH is served. */
export const STATE_PORT_NAME = 'metrics'
/** The virtual resource whose `get` lets somebody read the state: of all namespaces, or of one. */
export const STATE_RESOURCE = { group: 'startgate.dev', resource: 'queues', verb: 'get' } as const
/** Something comes at least this often on a watch; after three times that without, the connection is dead. */
export const KEEP_ALIVE_MS = 15_000

/** Waiting gates in one answer, and in a watch. */
export const DEFAULT_LIMIT = 500
export const MAX_LIMIT = 1_000
/** Rows of an answer at most, of the other lists; `total` tells how many there are. */
export const MAX_SCOPES = 2_000
export const MAX_NODES = 5_000
export const MAX_PODS = 500
/** The latest that are kept of each kind of RecentNews. */
export const MAX_RECENT = 200

/** What a reader may ask for: the parameters of the query, each at most once. */
export interface StateQuery {
  /**
   * Rows of this namespace only, and of scopes and nodes only those that its pods use; all others are in `totals`
   * alone. Enough for it is the right in that namespace.
   */
  namespace?: string
  /** Waiting gates of this pod only, and this pod's sequence. Only with `namespace`. */
  pod?: string
  /** Waiting gates that this scope blocks only, by its `scope` (`node/worker-1`). */
  scope?: string
  /** Waiting gates in the answer, from 1 to MAX_LIMIT; DEFAULT_LIMIT without it. */
  limit?: number
  /**
   * The `continue` of the answer before: the gates after those. The line moves on between two answers, so a gate may be
   * missed or seen twice. Not with `watch`, which shows the first `limit` gates of the line as it moves.
   */
  continue?: string
  watch?: boolean
}

export type StateResource = 'pull' | 'start'

/** A list that may be cut: `items` are at most as many as may be told at once, `total` is how many there are. */
export interface Rows<R> {
  total: number
  /** Each with an `id` that no other one in the list has. Ordered as each list says. */
  items: R[]
}

/** All that a reader may see at one moment. */
export interface State {
  apiVersion: typeof STATE_API_VERSION
  kind: 'State'
  /** When it was made: up to a second old. */
  atMs: number
  /** Echo of the query: what it was narrowed down to. */
  namespace?: string
  pod?: string
  scope?: string
  service: ServiceState
  /** Of the whole cluster, whatever the query. */
  totals: Record<StateResource, Totals>
  /** Limits that are used or waited for; those with gates that wait first where they are cut. Ordered by `id`. */
  scopes: Rows<ScopeState>
  /**
   * Gates that wait, those first whose turn is next in their line (compareWaiting). Gates are counted that are
   * connected: of a line of more than a thousand, the last ones come back at times and are shown only meanwhile.
   */
  waiting: Rows<WaitingGate> & {
    /** For the gates after these; absent when there are none, and on a watch. */
    continue?: string
  }
  /** Ordered by `id`. */
  nodes: Rows<NodeState>
  /** Pods with an order among their containers, not all of which are ready. Ordered by `id`. */
  pods: Rows<SequencedPod>
  recent: RecentNews
}

export interface ServiceState {
  /** Of the leader's program, as `0.1.0`. */
  version: string
  leader: {
    /** Name of its pod. */
    pod: string
    /** Where gates find it, host:port. */
    address: string
  }
  term: number
  /** Since when it has granted in this term. */
  sinceMs: number
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
  | 'cluster-rate'
  | 'namespace-rate'

/** One limit of one resource, and how much of it is used. */
export interface ScopeState {
  /** `<resource>:<scope>`: a scope has a row for each resource. */
  id: string
  resource: StateResource
  /**
   * `cluster`, `node/x`, `namespace/y`, `namespace/y/node/x`, `registry/z`; of rates `rate/cluster`,
   * `rate/namespace/y`.
   */
  scope: string
  kind: ScopeKind
  /** Of the node, namespace or registry (of a namespace on a node: the namespace); `cluster` for the cluster. */
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
  /** As its gates have told lately, in percent; absent where nothing is known or nobody asks. */
  pressure?: Pressure
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

/** How a list changed: `gone` first, then `set` replaces or adds. */
export interface RowChanges<R> {
  total?: number
  set?: R[]
  /** Ids. */
  gone?: string[]
}

/** What changed since the state or changes before. A part that is absent did not. */
export interface StateChanges {
  atMs: number
  service?: ServiceState
  totals?: Partial<Record<StateResource, Totals>>
  scopes?: RowChanges<ScopeState>
  waiting?: RowChanges<WaitingGate>
  nodes?: RowChanges<NodeState>
  pods?: RowChanges<SequencedPod>
  recent?: { [K in keyof RecentNews]?: RowChanges<RecentNews[K]['items'][number]> }
}

/**
 * Why nothing is told: 400 `BAD_QUERY`; 401 `TOKEN_MISSING`, `TOKEN_INVALID`; 403 `FORBIDDEN`; 404 `NOT_FOUND`; 421
 * `NOT_LEADER` with `leader`; 429 `TOO_MANY_WATCHERS`, `TOO_MANY_QUESTIONS`; 503 `NO_LEADER`, `NOT_REVIEWED` (the API
 * server could not be asked about the token); 500 `INTERNAL`. A watch that does not read what it is sent is hung up
 * without a word.
 */
export interface StateRefusal {
  code: string
  /** A sentence with the remedy. */
  message: string
  leader?: {
    /** Where gates find it, host:port; its pod has this IP. */
    address: string
    term: number
  }
}
