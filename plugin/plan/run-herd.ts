import { startShareOf } from '../../gate/lease-service/limits/bounds.ts'
import type { Scope } from '../../gate/lease-service/limits/scope.ts'
import { scopesOf as scopesByLimits } from '../../gate/lease-service/limits/scopes.ts'
import { Usage } from '../../gate/lease-service/limits/slot-usage.ts'
import type { Ticket } from '../../gate/lease-service/model/grant.ts'
import { Admission } from '../../gate/lease-service/queue/admission.ts'
import { EventTimes } from './event-times.ts'
import { FirstLines } from './first-lines.ts'
import type { PlannedPod, PlanRun, PlanWorld } from './model.ts'
import { Obstacles } from './obstacles.ts'
import { askAtMs, ticketFor } from './stages.ts'
import { AllInSight, type WaitingLines } from './waiting-lines.ts'

/** Tickets that all decisions of a run look at together: some seconds. */
const MOST_LOOKS: Record<Sight, number> = { all: 1_000_000, firsts: 2_000_000 }

type Event = { kind: 'ask'; ticket: Ticket } | { kind: 'slot-back'; ticket: Ticket }

/** Whom a decision looks at. */
export type Sight = 'all' | 'firsts'

export interface RunOptions {
  scopesOf?: typeof scopesByLimits
  sight?: Sight
  mostLooks?: number
}

interface Progress {
  index: number
  pod: PlannedPod
  createdAtMs: number
  /** By stage. */
  grantedAtMs: number[]
}

/**
 * Runs a herd in virtual time: the lease service's own queue and limits decide who goes, and each container is starting
 * for as long as it is said to. Nothing takes longer because others start too. Ends when nobody waits, or when nothing
 * can happen any more. Undefined for a herd that would take more than `mostLooks`.
 */
export function runHerd(
  world: PlanWorld,
  { scopesOf = scopesByLimits, sight = 'all', mostLooks = MOST_LOOKS[sight] }: RunOptions = {},
): PlanRun | undefined {
  const run = new HerdRun(world, scopesOf, sight)
  return run.isOver(mostLooks) ? run.result() : undefined
}

class HerdRun {
  readonly #usage: Usage
  readonly #admission: Admission
  readonly #lines: WaitingLines
  readonly #times = new EventTimes<Event>()
  readonly #obstacles = new Obstacles()
  /** By ticket. */
  readonly #progress = new Map<Ticket, Progress>()
  readonly #askedAtMs = new Map<string, number>()
  /** Slots held. */
  readonly #held = new Map<Ticket, number>()
  readonly #readyAtMs: number[]
  /** By the place of the pod before it. */
  readonly #successors = new Map<number, Pick<Progress, 'index' | 'pod'>>()
  #starting = 0
  #mostStarting = 0
  #oversize = 0
  #timedOut = 0

  constructor(world: PlanWorld, scopesOf: typeof scopesByLimits, sight: Sight) {
    const { facts, pods } = world
    this.#usage = new Usage(startShareOf(facts.settings))
    const askedAtMs = ({ key }: Ticket) => this.#askedAtMs.get(key) ?? 0
    const sinceMs = Number.NEGATIVE_INFINITY
    const scopesOnce = onceByPlace(scopesOf)
    this.#admission = new Admission({ usage: this.#usage, scopesOf: scopesOnce, facts, askedAtMs, sinceMs })
    this.#lines =
      sight === 'all' ? new AllInSight() : new FirstLines({ scopesOf: t => scopesOnce(t, facts), freeIn: this.#freeIn })
    this.#readyAtMs = pods.map(() => Number.POSITIVE_INFINITY)
    for (const [index, pod] of pods.entries()) {
      if (pod.after === undefined) this.#askNext({ index, pod, createdAtMs: 0, grantedAtMs: [] })
      else this.#successors.set(pod.after, { index, pod })
    }
  }

  /** Goes to the end; false where that is too far. */
  isOver(mostLooks: number): boolean {
    let looks = 0
    for (let nowMs = this.#times.nextMs(); nowMs !== undefined; nowMs = this.#times.nextMs()) {
      for (const event of this.#times.takeNext()) this.#happen(event, nowMs)
      const tickets = this.#lines.inSight()
      looks += tickets.length
      if (looks > mostLooks) return false
      this.#decide(tickets, nowMs)
    }
    return true
  }

  /** Of a rate all of it: it is known to the queue alone. */
  readonly #freeIn = ({ id, limit, windowMs }: Scope): number =>
    windowMs === undefined ? limit - this.#usage.held('start', id) - this.#usage.debt('start', id) : limit

  result(): PlanRun {
    return {
      readyAtMs: this.#readyAtMs,
      mostStarting: this.#mostStarting,
      ...this.#obstacles.result(),
      oversize: this.#oversize,
      timedOut: this.#timedOut,
    }
  }

  #happen(event: Event, nowMs: number): void {
    const { ticket } = event
    if (event.kind === 'slot-back') {
      const left = (this.#held.get(ticket) ?? 1) - 1
      this.#starting -= 1
      this.#hold(ticket, left)
      return
    }
    this.#askedAtMs.set(ticket.key, nowMs)
    if (this.#progress.get(ticket)?.pod.isObserved) this.#grant(ticket, nowMs)
    else this.#lines.add(ticket)
  }

  #decide(tickets: readonly Ticket[], nowMs: number): void {
    const { taken, passes, lines } = this.#admission.decide('start', { tickets, away: [] }, nowMs)
    const standing = lines.flatMap(line => line.standing)
    this.#obstacles.waitsFrom(nowMs, standing, ({ ticket }) => this.#lines.takeBehind(ticket))
    for (const { ticket, oversizeIn } of taken) {
      if (oversizeIn.length > 0) this.#oversize += 1
      this.#grant(ticket, nowMs)
    }
    for (const { ticket } of passes) this.#grant(ticket, nowMs)
    const wakeMs = standing.length > 0 || passes.length > 0 ? this.#admission.wakeAtMs() : undefined
    if (wakeMs !== undefined && this.#lines.size > 0) this.#times.add(Math.max(nowMs + 1, Math.ceil(wakeMs)))
  }

  #grant(ticket: Ticket, nowMs: number): void {
    this.#lines.remove(ticket)
    const progress = this.#progress.get(ticket)
    if (!progress) return
    const { pod, grantedAtMs, index } = progress
    const containers = pod.stages[grantedAtMs.length]?.containers ?? []
    grantedAtMs.push(nowMs)
    this.#hold(ticket, containers.length)
    this.#starting += containers.length
    this.#mostStarting = Math.max(this.#mostStarting, this.#starting)
    for (const { startMs, timeoutMs } of containers)
      this.#times.add(nowMs + Math.min(startMs, timeoutMs), { kind: 'slot-back', ticket })
    if (containers.some(({ startMs, timeoutMs }) => startMs > timeoutMs)) this.#timedOut += 1
    const isLast = grantedAtMs.length === pod.stages.length
    if (isLast) this.#ready(index, readyAtMs(progress))
    else this.#askNext(progress)
  }

  #ready(index: number, atMs: number): void {
    this.#readyAtMs[index] = atMs
    const next = this.#successors.get(index)
    if (next) this.#askNext({ ...next, createdAtMs: atMs, grantedAtMs: [] })
  }

  #askNext(progress: Progress): void {
    const { pod, grantedAtMs, createdAtMs } = progress
    const stage = pod.stages[grantedAtMs.length]
    if (!stage) return
    const ticket = { ...ticketFor(pod, stage), createdAtMs }
    this.#progress.set(ticket, progress)
    this.#times.add(Math.max(createdAtMs, askAtMs(pod, grantedAtMs)), { kind: 'ask', ticket })
  }

  #hold(ticket: Ticket, slots: number): void {
    if (slots > 0) this.#held.set(ticket, slots)
    else this.#held.delete(ticket)
    const isObserved = this.#progress.get(ticket)?.pod.isObserved
    this.#usage.hold({ ...ticket, ...(isObserved && { isObserved }) }, slots)
  }
}

function readyAtMs({ pod, grantedAtMs }: Progress): number {
  return pod.stages.reduce(
    (latest, { containers }, at) =>
      containers.reduce((ms, { startMs }) => Math.max(ms, (grantedAtMs[at] ?? 0) + startMs), latest),
    0,
  )
}

/** No limit changes while a herd runs. */
function onceByPlace(scopesOf: typeof scopesByLimits): typeof scopesByLimits {
  const known = new Map<string, Scope[]>()
  return (ticket, facts) => {
    const place = `${ticket.namespace} ${ticket.nodeName}`
    const scopes = known.get(place) ?? scopesOf(ticket, facts)
    known.set(place, scopes)
    return scopes
  }
}
