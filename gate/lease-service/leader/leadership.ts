import { messageOf } from '../../../core/errors.ts'
import type { AgentRequest, GateRequest, ReportsRequest } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import type { Pod } from '../../../core/pod.ts'
import type { NodeLoad } from '../../../core/pressure.ts'
import type { Grant } from '../model/grant.ts'
import type { AgentStream, Directions, Stream } from '../model/stream.ts'
import { FreezeChanges } from '../report/freeze-changes.ts'
import { WaitingConditions } from '../report/waiting-conditions.ts'
import { createRecent } from '../state/recent.ts'
import { GrantWriter, type GrantWriterDeps } from '../store/grant-writer.ts'
import { compareWithStore } from '../store/store-reconciler.ts'
import { adoptStored } from './adopt-stored.ts'
import { saveLearned } from './auto-memory.ts'
import type { LeadershipDeps } from './leadership-deps.ts'
import { type NewsChannels, publishNews } from './news.ts'
import { PodReads } from './pod-reads.ts'
import { StepScheduler } from './step-scheduler.ts'
import { endStream, sendTo } from './tell-stream.ts'
import { advance } from './term.ts'
import type { FactEvent, TermEffect, TermEvent } from './term-events.ts'
import { type Now, newTerm, podOf, type TermState } from './term-state.ts'
import { type TermView, termView } from './term-view.ts'

const TICK_MS = 1_000
const RECONCILE_MS = 30_000
const SAVE_AUTO_MS = 30_000

/**
 * The shell of one term: brings events to `advance` and does what it says. Streams, Leases, the API server, time and
 * people's news are here; what is decided is not.
 */
export class Leadership {
  /** What is known, for people. */
  readonly view: TermView
  readonly #deps: LeadershipDeps
  readonly #state: TermState
  readonly #writer: GrantWriter
  readonly #pace: StepScheduler
  #timers: (() => void)[] = []
  readonly #channels: NewsChannels
  readonly #reads: PodReads
  #isReconciling = false

  constructor(deps: LeadershipDeps) {
    this.#deps = deps
    const { reporter, metrics, log, clock, writeWaiting: write } = deps
    const now = this.#now()
    const recent = createRecent(() => clock.wallMs())
    const conditions = write && new WaitingConditions({ write, podOf: uid => this.pod(uid), clock })
    const freezes = new FreezeChanges(event => reporter.record(event), now.wallMs)
    this.#channels = { reporter, freezes, metrics, recent, conditions, log, podOf: key => podOf(this.#state, key) }
    this.#state = newTerm(deps, now)
    this.view = termView(this.#state, now.wallMs, recent)
    this.#reads = new PodReads({
      getPod: deps.getPod,
      onRead: (uid, pod) => this.#take({ kind: 'pod-read', uid, ...(pod && { pod }) }),
      hasEnded: () => this.#state.hasEnded,
      log: deps.log,
    })
    this.#pace = new StepScheduler(deps, () => this.#take({ kind: 'step' }))
    const writerDeps: GrantWriterDeps = {
      ...deps,
      onDurable: grant => this.#take({ kind: 'grant-stored', grant }),
      onFailed: (grant, failure) => this.#take({ kind: 'grant-not-stored', grant, failure }),
      monotonicMs: () => deps.clock.monotonicMs(),
    }
    this.#writer = deps.newWriter?.(writerDeps) ?? new GrantWriter(writerDeps)
  }

  /** Reads the stored grants and counts them all; resolves false when the term was lost meanwhile. */
  adoptStored(): Promise<boolean> {
    const onListed = (grant: Grant) => this.#take({ kind: 'grant-listed', grant })
    return adoptStored({ ...this.#deps, writer: this.#writer, onListed })
  }

  /** Call it when the watches' objects have been shown. `reservationMs`: how long turns are kept. */
  start(reservationMs: number): void {
    const { timers } = this.#deps
    this.#take({ kind: 'begin', reservationMs })
    this.#timers = [
      timers.every(TICK_MS, () => this.#take({ kind: 'tick', storeFailingForMs: this.#writer.failingForMs() })),
      timers.every(RECONCILE_MS, () => void this.#reconcile()),
      timers.every(SAVE_AUTO_MS, () => void this.#saveLearned()),
    ]
    const { conditions } = this.#channels
    if (conditions) this.#timers.push(timers.every(TICK_MS, () => this.#try(() => conditions.tick())))
  }

  /** Ends all streams with `message` and grants nothing more. */
  stop(message: Directions): void {
    this.#pace.stop()
    this.#writer.stop()
    this.#channels.conditions?.stop()
    for (const callOff of this.#timers) callOff()
    this.#take({ kind: 'end', message })
    void saveLearned(this.#state, this.#deps)
  }

  pod(uid: string): Pod | undefined {
    return this.#state.pods.get(uid)
  }

  show(event: FactEvent): void {
    this.#take(event)
  }

  /** Puts a gate in line; returns what to do when it hangs up. Throws RefusedError. */
  connect(pod: Pod, gate: GateName, request: Pick<GateRequest, 'attempt' | 'pressure'>, stream: Stream): () => void {
    const { attempt, pressure } = request
    this.#take({ kind: 'gate-asks', pod, gate, attempt, stream, ...(pressure && { pressure }) })
    return () => this.#take({ kind: 'gate-hung-up', stream })
  }

  /** Takes in the agent of a sequenced pod; returns what to do when it hangs up. Throws RefusedError. */
  connectAgent(pod: Pod, { podUid, attempt, reports }: AgentRequest, stream: AgentStream): () => void {
    this.#take({ kind: 'agent-asks', pod, podUid, attempt, reports, stream })
    return () => this.#take({ kind: 'agent-hung-up', podUid, stream })
  }

  /** Takes in what an agent reports. Throws RefusedError. */
  report(pod: Pod, { podUid, attempt, reports }: ReportsRequest): void {
    this.#take({ kind: 'agent-reports', pod, podUid, attempt, reports })
  }

  /** Takes in how a gate's node does. Throws RefusedError. */
  takePressure(pod: Pod, load: NodeLoad): void {
    this.#take({ kind: 'pressure-told', pod, load })
  }

  /** Takes in what a node's waiter tells of it. */
  takeFigures(nodeName: string, figures: NodeFigures): void {
    this.#take({ kind: 'node-figures', nodeName, figures })
  }

  #now(): Now {
    const { clock } = this.#deps
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }
  }

  /** Throws what a request is refused with. */
  #take(event: TermEvent): void {
    for (const effect of advance(this.#state, event, this.#now())) this.#do(effect)
  }

  #do(effect: TermEffect): void {
    const { conditions } = this.#deps
    switch (effect.kind) {
      case 'send':
        sendTo(effect.to)
        break
      case 'end':
        endStream(effect.to)
        break
      case 'refuse':
        throw effect.error
      case 'store':
        this.#writer.submit(effect.grant)
        break
      case 'delete':
        this.#writer.release(effect.key)
        break
      case 'read-pod':
        void this.#reads.read(effect.pod)
        break
      case 'read-again':
        void this.#reads.readAgain(effect.pods)
        break
      case 'write-condition':
        this.#try(() => conditions.put(effect.pod, effect.condition))
        break
      case 'forget-condition':
        this.#try(() => conditions.removePod(effect.uid))
        break
      case 'step-soon':
        this.#pace.plan()
        break
      case 'step-in':
        this.#pace.planIn(effect.ms)
        break
      case 'publish':
        this.#try(() => publishNews(effect.news, this.#channels))
        break
    }
  }

  /** An Event, a metric or a condition that fails must not cost the effects after it: nothing is decided by it. */
  #try(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#deps.log.error({ error: messageOf(error) }, 'an Event, metric or condition could not be made; grants go on')
    }
  }

  /** Compares ledger and Leases, one at a time: with a slow API server they would pile up. */
  async #reconcile(): Promise<void> {
    if (this.#isReconciling) return
    this.#isReconciling = true
    const { log } = this.#deps
    await this.#compare().catch(e => log.warn({ error: messageOf(e) }, 'cannot compare the ledger with the Leases'))
    this.#isReconciling = false
  }

  /** Whoever leads by now may not have written any yet, so that no version would tell. */
  async #saveLearned(): Promise<void> {
    const { autoStore, confirmTerm } = this.#deps
    if (autoStore && (await confirmTerm().catch(() => false))) await saveLearned(this.#state, this.#deps)
  }

  async #compare(): Promise<void> {
    this.#take({ kind: 'look-again' })
    const keys = await compareWithStore({
      ...this.#deps,
      writer: this.#writer,
      isCounted: key => this.#state.ledger.grantOf(key) !== undefined,
      isStopped: () => this.#state.hasEnded,
    })
    if (keys.length > 0) this.#take({ kind: 'leases-deleted', keys })
  }
}
