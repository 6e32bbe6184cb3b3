import type { NamespaceSettings } from '../../core/annotations.ts'
import { startShareOf } from '../lease-service/limits/bounds.ts'
import { type ClusterSettings, DEFAULT_SETTINGS } from '../lease-service/limits/cluster-settings.ts'
import type { LimitFacts } from '../lease-service/limits/scope.ts'
import { scopesOf } from '../lease-service/limits/scopes.ts'
import { Usage } from '../lease-service/limits/slot-usage.ts'
import type { Ticket } from '../lease-service/model/grant.ts'
import { Admission, type AdmissionDeps } from '../lease-service/queue/admission.ts'

/** Test support. A pod that asks for slots at a time and holds them for a while. */
export interface LinePod {
  name: string
  namespace: string
  nodeName: string
  slots?: number
  priority?: number
  createdAtMs: number
  /** Its gate asks then; absent: at its creation. */
  asksAtMs?: number
  /** From its grant on. */
  holdsMs: number
}

/** Test support. Limits of the cluster and weights of namespaces. */
export interface LineWorld {
  settings: Partial<ClusterSettings>
  weights?: Record<string, number>
  maxStarting?: Record<string, number>
}

/** Test support. What became of a pod; Infinity: it still waits. */
export interface LineOutcome {
  pod: LinePod
  ticket: Ticket
  grantedAtMs: number
}

/** Test support. A start ticket of a pod. */
export function lineTicket({ name, namespace, nodeName, slots = 1, priority = 0, createdAtMs }: LinePod): Ticket {
  return {
    key: `start.${name}.1`,
    resource: 'start',
    gate: 'startgate-start',
    attempt: 1,
    podUid: name,
    podName: name,
    namespace,
    nodeName,
    containers: [],
    slots,
    images: [],
    priority,
    createdAtMs,
  }
}

/** Test support. The real admission, and who waits and holds. */
export class Line {
  readonly outcomes: LineOutcome[] = []
  readonly #byKey = new Map<string, LineOutcome>()
  readonly #byName = new Map<string, LineOutcome>()
  readonly #waiting = new Set<LineOutcome>()
  readonly #holding = new Set<LineOutcome>()
  readonly #usage: Usage
  readonly #admission: Admission

  constructor(
    { settings: given, weights = {}, maxStarting = {} }: LineWorld,
    make = (deps: AdmissionDeps) => new Admission(deps),
  ) {
    const settings = { ...DEFAULT_SETTINGS, ...given }
    const namespaces = new Map<string, NamespaceSettings>()
    const set = (name: string, more: NamespaceSettings) => namespaces.set(name, { ...namespaces.get(name), ...more })
    for (const [name, weight] of Object.entries(weights)) set(name, { weight })
    for (const [name, limit] of Object.entries(maxStarting)) set(name, { maxStarting: limit })
    const facts: LimitFacts = { settings, nodes: new Map(), namespaces }
    this.#usage = new Usage(startShareOf(settings))
    const askedAtMs = ({ key }: Ticket) => askedAt(this.#byKey.get(key)?.pod)
    this.#admission = make({ usage: this.#usage, scopesOf, facts, askedAtMs, sinceMs: Number.NEGATIVE_INFINITY })
  }

  come(pod: LinePod): void {
    const outcome = { pod, ticket: lineTicket(pod), grantedAtMs: Number.POSITIVE_INFINITY }
    this.outcomes.push(outcome)
    this.#byKey.set(outcome.ticket.key, outcome)
    this.#byName.set(pod.name, outcome)
    this.#waiting.add(outcome)
  }

  /** Frees what was held for long enough, and decides once. */
  step(nowMs: number): void {
    for (const outcome of this.#holding) {
      if (outcome.grantedAtMs + outcome.pod.holdsMs > nowMs) continue
      this.#holding.delete(outcome)
      this.#usage.hold(outcome.ticket, 0)
    }
    const tickets = [...this.#waiting].filter(({ pod }) => askedAt(pod) <= nowMs).map(({ ticket }) => ticket)
    for (const { ticket } of this.#admission.decide('start', { tickets, away: [] }, nowMs).taken) {
      const outcome = this.#byKey.get(ticket.key)
      if (!outcome) continue
      outcome.grantedAtMs = nowMs
      this.#waiting.delete(outcome)
      this.#holding.add(outcome)
      this.#usage.hold(ticket, ticket.slots)
    }
  }

  isWaiting(name: string): boolean {
    const outcome = this.#byName.get(name)
    return outcome !== undefined && this.#waiting.has(outcome)
  }

  inLine(namespace: string): number {
    return [...this.#waiting].filter(({ pod }) => pod.namespace === namespace).length
  }
}

/** Test support. When a pod's gate asks. */
function askedAt(pod: LinePod | undefined): number {
  return pod?.asksAtMs ?? pod?.createdAtMs ?? 0
}
