import type { EventSubject } from '../../core/kube/event.ts'
import type { EventRecord } from '../../core/kube/events.ts'
import type { ObjectMeta } from '../../core/pod.ts'

/** A pod that should be gated and is not. */
export interface Ungated {
  /** Of the request. */
  namespace: string
  /** Whoever made the pod, else the namespace. */
  owner: EventSubject
  reason: string
  sentence: string
}

/**
 * Whom to tell of a pod: its controller, because the answer's warnings reach only that one; without one, the namespace.
 * What a pod says of its controller is the author's word: taken only where the API server would take it in an Event.
 */
export function eventSubjectOf({ ownerReferences }: ObjectMeta, namespace: string): EventSubject {
  const controller = (ownerReferences ?? []).find(owner => owner.controller === true)
  const { apiVersion, kind, name, uid } = controller ?? {}
  if (isText(apiVersion, API_VERSION) && isText(kind, KIND) && isText(name, NAME) && isText(uid, UID))
    return { apiVersion, kind, name, uid, namespace }
  return { apiVersion: 'v1', kind: 'Namespace', name: namespace, uid: '', namespace }
}

/** Under this id there is one Event at a time, whichever replica writes it: the second create finds the first. */
export function ungatedEvent({ owner, reason, sentence }: Ungated): EventRecord {
  const note = `Pods start ${sentence.replace(/^not gated/, 'ungated')}`
  return { regarding: owner, type: 'Warning', reason, note, id: JSON.stringify([owner.kind, owner.uid, reason]) }
}

const API_VERSION = /^[a-z0-9][a-z0-9./-]{0,127}$/
const KIND = /^[A-Z][A-Za-z0-9]{0,62}$/
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
const UID = /^[A-Za-z0-9-]{1,64}$/

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}

export interface BudgetLimits {
  repeatMs: number
  /** Events in `repeatMs`; a namespace that has used them up gets none until the first is that old. */
  perNamespace: number
  /** Namespaces remembered; the least recently used is forgotten first. */
  namespaces: number
}

const BUDGET_LIMITS: BudgetLimits = { repeatMs: 600_000, perNamespace: 20, namespaces: 1_000 }

/** Which Events are worth saying: each owner and reason once in ten minutes, and no namespace at the cost of others. */
export class EventBudget {
  readonly #limits: BudgetLimits
  /** By namespace, least recently used first: its Events and when each was recorded. */
  readonly #said = new Map<string, Map<string, number>>()

  constructor(limits: BudgetLimits = BUDGET_LIMITS) {
    this.#limits = limits
  }

  /** Whether to say it; if so, it counts as said. Time in monotonic ms. */
  admit({ namespace, owner, reason }: Ungated, nowMs: number): boolean {
    const said = this.#said.get(namespace) ?? new Map<string, number>()
    for (const [key, atMs] of said) if (nowMs - atMs >= this.#limits.repeatMs) said.delete(key)
    const key = JSON.stringify([owner.kind, owner.uid, reason])
    if (said.has(key) || said.size >= this.#limits.perNamespace) return false
    said.set(key, nowMs)
    this.#said.delete(namespace)
    this.#said.set(namespace, said)
    const oldest = this.#said.keys().next()
    if (this.#said.size > this.#limits.namespaces && !oldest.done) this.#said.delete(oldest.value)
    return true
  }
}
