import type { AgentMessage, AgentRequest, GateMessage, GateRequest, ReportsRequest } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { NamespaceFold } from '../../../core/namespace-settings.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import type { Namespace, Node, Pod } from '../../../core/pod.ts'
import type { NodeLoad } from '../../../core/pressure.ts'
import type { Grant } from '../model/grant.ts'
import type { AgentStream, Directions, Stream } from '../model/stream.ts'
import type { NodeFold } from '../pods/node-facts.ts'
import type { startedCondition } from '../pods/started-condition.ts'
import type { StoreFailure } from '../store/store-failure.ts'
import type { News } from './news.ts'

/** What a term is told. Streams are handles: the term sends nothing itself. */
export type TermEvent =
  | FactEvent
  | RequestEvent
  | StoreEvent
  /** What the waiter of this node tells of it, about once a second while gates of it wait. */
  | { kind: 'node-figures'; nodeName: string; figures: NodeFigures }
  /** All there is has been shown: gates may be granted. `reservationMs`: how long turns are kept. */
  | { kind: 'begin'; reservationMs: number }
  /** A decision was asked for by `step-soon` or `step-in`, and is due. */
  | { kind: 'step' }
  /** About once a second. `storeFailingForMs`: for how long nothing could be stored that was to be. */
  | { kind: 'tick'; storeFailingForMs: number }
  /** About twice a minute: pods that the watch does not show are asked for again. */
  | { kind: 'look-again' }
  /** Streams end with `message`, and nothing is granted any more. */
  | { kind: 'end'; message: Directions }

/** What the watches show, and what the API server answers. */
export type FactEvent =
  /** `kept`: what the watch keeps of it from now on. */
  | { kind: 'pod-shown'; pod: Pod; kept?: Pod }
  /** The watch shows it no more: deleted, or its label was taken off. */
  | { kind: 'pod-unseen'; pod: Pod }
  /** A gate has come whose pod the watch does not show yet; read from the API server just now. */
  | { kind: 'pod-found'; pod: Pod }
  /** The answer to `read-pod` and `read-again`; without `pod` there is none of this name. */
  | { kind: 'pod-read'; uid: string; pod?: Pod }
  /** `fold` is what is in force, last good values included. */
  | { kind: 'node-shown'; node: Node; fold: NodeFold }
  | { kind: 'node-gone'; name: string }
  | { kind: 'namespace-shown'; namespace: Namespace; fold: NamespaceFold }
  | { kind: 'namespace-gone'; name: string }
  /** Some workload that somebody comes after. */
  | { kind: 'workload-changed' }

/** Requests; one that is not served has `refuse` among its effects. */
export type RequestEvent =
  | ({ kind: 'gate-asks'; pod: Pod; gate: GateName; stream: Stream } & Pick<GateRequest, 'attempt' | 'pressure'>)
  | ({ kind: 'agent-asks'; pod: Pod; stream: AgentStream } & Pick<AgentRequest, 'podUid' | 'attempt' | 'reports'>)
  | ({ kind: 'agent-reports'; pod: Pod } & Pick<ReportsRequest, 'podUid' | 'attempt' | 'reports'>)
  | { kind: 'pressure-told'; pod: Pod; load: NodeLoad }
  | { kind: 'gate-hung-up'; stream: Stream }
  | { kind: 'agent-hung-up'; podUid: string; stream: AgentStream }

/** What the Leases tell. */
export type StoreEvent =
  /** A Lease was there when the term began. */
  | { kind: 'grant-listed'; grant: Grant }
  | { kind: 'grant-stored'; grant: Grant }
  | { kind: 'grant-not-stored'; grant: Grant; failure: StoreFailure }
  /** Somebody deleted these Leases. */
  | { kind: 'leases-deleted'; keys: readonly string[] }

/** What a term wants done, in this order. */
export type TermEffect =
  | { kind: 'send'; to: Told }
  /** The last message of a stream. */
  | { kind: 'end'; to: Told }
  /** The request that was the event is not served: a RefusedError, or a fault. */
  | { kind: 'refuse'; error: unknown }
  | { kind: 'store'; grant: Grant }
  /** The grant has ended. */
  | { kind: 'delete'; key: string }
  /** At once: only the API server's word that a pod is gone frees its slots. */
  | { kind: 'read-pod'; pod: PodName }
  /** One after the other: there may be many, and whoever comes new must not stand behind them. */
  | { kind: 'read-again'; pods: readonly PodName[] }
  | { kind: 'write-condition'; pod: Pod; condition: ReturnType<typeof startedCondition> }
  | { kind: 'forget-condition'; uid: string }
  | { kind: 'step-soon' }
  /** In place of what was asked for so before; undefined: not by time. */
  | { kind: 'step-in'; ms: number | undefined }
  | { kind: 'publish'; news: News }

export interface PodName {
  uid: string
  namespace: string
  name: string
}

export type Told = { stream: Stream; message: GateMessage } | { stream: AgentStream; message: AgentMessage }
