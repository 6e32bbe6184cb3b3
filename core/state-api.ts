import type {
  NodeState,
  RecentNews,
  Rows,
  ScopeState,
  SequencedPod,
  StateResource,
  Totals,
  WaitingGate,
} from './state-rows.ts'
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
