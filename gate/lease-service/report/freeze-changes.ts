import type { Namespace } from '../../../core/pod.ts'
import type { EventInput } from './event-reporter.ts'

/** A namespace as it was shown, with who froze it as far as that is in force; undefined: nobody. */
export interface FreezeSight {
  namespace: Namespace
  frozen: string | undefined
  /** It is startgate's own, whose freeze is the cluster's. */
  isCluster: boolean
}

/** What a leader may have missed while there was none: the election takes 7.5 s. */
const NO_LEADER_MS = 10_000
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/

/**
 * Says once that a namespace or the cluster was frozen, by whom, when and why, and once that it was resumed. One for
 * each term: what is frozen already when a term begins was told by the leader before, unless it is younger than the
 * time without a leader, by the time that `kubectl startgate freeze` writes. So a freeze is told twice at worst, when
 * the leader changes within seconds of it. How often Events are sent is bounded by their queue (core/kube/events.ts).
 */
export class FreezeChanges {
  /** By name, of each namespace that was shown: who froze it. */
  readonly #known = new Map<string, string | undefined>()
  readonly #record: (event: EventInput) => void
  readonly #sinceMs: number

  /** `wallMs`: when the term begins. */
  constructor(record: (event: EventInput) => void, wallMs: number) {
    this.#record = record
    this.#sinceMs = wallMs - NO_LEADER_MS
  }

  shown(sight: FreezeSight): void {
    const { namespace, frozen } = sight
    const name = namespace.metadata.name ?? ''
    const isFirst = !this.#known.has(name)
    const before = this.#known.get(name)
    this.#known.set(name, frozen)
    if (frozen === before || (isFirst && !this.#isNews(frozen))) return
    this.#record(frozen === undefined ? resumed(sight, before ?? '') : froze(sight, frozen))
  }

  gone(name: string): void {
    this.#known.delete(name)
  }

  #isNews(frozen: string | undefined): boolean {
    const [written] = TIME.exec(frozen ?? '') ?? []
    return written !== undefined && Date.parse(written) >= this.#sinceMs
  }
}

function froze(sight: FreezeSight, frozen: string): EventInput {
  const what = sight.isCluster ? 'the cluster is' : 'this namespace is'
  const note = `${what} frozen by ${frozen}: no container starts and no image is pulled until ${resumeOf(sight)}`
  return { regarding: subjectOf(sight.namespace), type: 'Warning', reason: 'StartgateFrozen', note }
}

function resumed({ namespace, isCluster }: FreezeSight, before: string): EventInput {
  const note = `${isCluster ? 'the cluster' : 'this namespace'} goes on; it was frozen by ${before}`
  return { regarding: subjectOf(namespace), type: 'Normal', reason: 'StartgateResumed', note }
}

function resumeOf({ namespace, isCluster }: FreezeSight): string {
  return `kubectl startgate resume ${isCluster ? '--cluster' : `-n ${namespace.metadata.name}`}`
}

function subjectOf({ metadata: { name = '', uid = '' } }: Namespace): EventInput['regarding'] {
  return { apiVersion: 'v1', kind: 'Namespace', name, uid }
}
