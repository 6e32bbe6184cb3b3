import type { Pod } from '../../../core/pod.ts'
import type { AfterWaits } from '../after/after-waits.ts'
import type { Resource, Ticket, Waiting } from '../model/grant.ts'
import { sequenceOf } from '../pods/pod-sequence.ts'
import { compareTickets } from '../queue/compare-tickets.ts'
import { nodeLostReason, podUnknownReason } from '../queue/wait-reason.ts'
import type { HeldGrants } from './held-grants.ts'
import type { KnownFacts } from './known-facts.ts'
import type { SetAsides } from './set-asides.ts'
import type { StageProgress } from './stage-progress.ts'

export interface TriageDeps {
  known: KnownFacts
  holdings: Pick<HeldGrants, 'get' | 'covers' | 'isPulling'>
  progress: Pick<StageProgress, 'reasonToWait' | 'isPassed'>
  after: Pick<AfterWaits, 'isHeldBack' | 'reasonToWait' | 'namesAny' | 'isClearOn'>
  /** Those of a pod's tickets that are asked for now. */
  ticketsOf: (podUid: string) => readonly Ticket[]
  setAsides: Pick<SetAsides, 'waiting'>
  /** Undefined when it fails: then the ticket has been set aside. */
  guard: <T>(ticket: Ticket, nowMs: number, act: () => T) => T | undefined
}

export interface Sorted {
  /** Tickets that need no decision: they are granted at once. */
  free: Ticket[]
  /** Tickets that wait for slots. */
  lines: Record<Resource, Ticket[]>
  /** Tickets that wait for something other than a slot, and why. */
  setAside: Waiting[]
}

/**
 * Sorts tickets: those that wait for slots, those granted without a decision, and those that wait for something else.
 */
export class Triage {
  readonly #deps: TriageDeps
  /** Start tickets that stand in line as long as nothing is told of their pods: most, and to look is costly. */
  #inLine = new WeakSet<Ticket>()

  constructor(deps: TriageDeps) {
    this.#deps = deps
  }

  /** Something has changed of a pod, its node, its grants or its stages. */
  touch(podUid: string): void {
    for (const ticket of this.#deps.ticketsOf(podUid)) this.#inLine.delete(ticket)
  }

  /** Something has changed that may concern any pod. */
  touchAll(): void {
    this.#inLine = new WeakSet()
  }

  sortOut(asked: readonly Ticket[], nowMs: number): Sorted {
    const { known, holdings, setAsides, after, guard } = this.#deps
    const free: Ticket[] = []
    const setAside: Waiting[] = []
    const lines: Record<Resource, Ticket[]> = { pull: [], start: [] }
    for (const each of asked) {
      if (this.#inLine.has(each) && after.isClearOn(each.nodeName) && !setAsides.waiting(each, nowMs)) {
        lines.start.push(each)
        continue
      }
      const ticket = known.lacking(each)
      const { key, resource } = ticket
      if (holdings.get(key)) continue
      const place =
        setAsides.waiting(ticket, nowMs) ??
        guard(ticket, nowMs, () => this.#placeOf(ticket, nowMs)) ??
        setAsides.waiting(ticket, nowMs)
      if (place === undefined) continue
      if (place === 'free') free.push(ticket)
      else if (place === 'in line') this.#standIn(lines[resource], ticket)
      else setAside.push({ key, resource, namespace: ticket.namespace, place: 1, of: 1, ...place })
    }
    return { free: free.sort(compareTickets), lines, setAside }
  }

  /** What it comes after changes without a word, and so may what is on a node of the images that it pulls. */
  #standIn(line: Ticket[], ticket: Ticket): void {
    line.push(ticket)
    const pod = this.#deps.known.podOf(ticket.podUid)
    if (ticket.resource === 'start' && pod && !this.#deps.after.namesAny(pod)) this.#inLine.add(ticket)
  }

  /** Of gates that are expected back: those that would stand in line. */
  away(expected: readonly Ticket[], nowMs: number): Record<Resource, Ticket[]> {
    const { known, holdings, setAsides, after, guard } = this.#deps
    const away: Record<Resource, Ticket[]> = { pull: [], start: [] }
    for (const each of expected) {
      const ticket = known.lacking(each)
      const pod = known.podOf(ticket.podUid)
      if (!pod || holdings.get(ticket.key) || setAsides.waiting(ticket, nowMs)) continue
      const place = guard(ticket, nowMs, () =>
        mayComeAfter(ticket, pod) && after.isHeldBack(ticket, pod) ? undefined : this.#placeOf(ticket, nowMs),
      )
      if (place === 'in line') away[ticket.resource].push(ticket)
    }
    return away
  }

  needsNoSlot(ticket: Ticket): boolean {
    const { known, holdings, progress } = this.#deps
    if (ticket.resource === 'pull') return ticket.images.length === 0 || this.rides(ticket)
    const pod = known.podOf(ticket.podUid)
    return holdings.covers(ticket) || (pod !== undefined && progress.isPassed(ticket, pod))
  }

  /** Two pods that pull one image to one node make one pull. */
  rides({ resource, nodeName, images }: Ticket): boolean {
    const { holdings } = this.#deps
    return resource === 'pull' && images.length > 0 && images.every(i => holdings.isPulling(nodeName, i))
  }

  #placeOf(ticket: Ticket, nowMs: number): 'free' | 'in line' | Pick<Waiting, 'cause' | 'reason'> {
    const { known } = this.#deps
    const { resource, nodeName, podUid, namespace } = ticket
    const pod = known.podOf(podUid)
    if (known.isOff(namespace, pod)) return 'free'
    if (!pod) return { cause: 'pod-unknown', reason: podUnknownReason(resource) }
    if (known.isNodeLost(nodeName)) return { cause: 'node-lost', reason: nodeLostReason(resource, nodeName) }
    if (known.modeOf(namespace) === 'observe' || this.needsNoSlot(ticket)) return 'free'
    const reason = resource === 'start' ? this.#reasonToStay(ticket, pod, nowMs) : undefined
    return reason === undefined ? 'in line' : { cause: 'order', reason }
  }

  /** Why a start ticket stands in no line yet: whoever waits for somebody else holds no slot. */
  #reasonToStay(ticket: Ticket, pod: Pod, nowMs: number): string | undefined {
    const { after, progress, holdings } = this.#deps
    return mayComeAfter(ticket, pod)
      ? after.reasonToWait(ticket, pod, nowMs)
      : progress.reasonToWait(ticket, pod, key => holdings.get(key) !== undefined)
  }
}

/** Whoever asks for the first start slots of its pod; no pull comes after other workloads. */
function mayComeAfter({ resource, gate }: Ticket, pod: Pod): boolean {
  const stage = sequenceOf(pod)?.stages.findIndex(each => each.gate === gate) ?? 0
  return resource === 'start' && stage <= 0
}
