import { randomUUID } from 'node:crypto'
import { systemClock } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import { type GateName, NOTIFY_DIRECTORY, NOTIFY_SOCKET_FILE } from '../../../core/names.ts'
import { directWay } from '../direct-way.ts'
import { createLeasePost } from '../lease-client.ts'
import { markLost } from '../shared-directory.ts'
import { waitUnlessWithdrawn } from '../wait.ts'
import type { AgentConfig } from './config.ts'
import { Contact } from './contact.ts'
import { runSince, watchDaemon } from './daemon-watch.ts'
import { openGate, watchGates } from './gate-files.ts'
import { parseDatagram } from './notify/datagram.ts'
import { type DatagramSource, openDatagramSource } from './notify/datagram-source.ts'
import { dueMs, isFinished, phaseOf, reportsOf, step } from './sequencing.ts'
import type { Effect, Rules, SequencingEvent, SequencingState } from './sequencing-state.ts'
import { loadState, saveState } from './state-file.ts'

/**
 * How long a container of readiness `simple` must have run; the default of `settleTime`, which the lease service counts
 * by.
 */
const SIMPLE_SETTLE_MS = 5_000
/**
 * How long READY=1 must stand where the pod's status does not show the run yet that said it: what it shows next may be
 * that this run has ended.
 */
const WORD_SETTLE_MS = 500
/** Where it does: as under systemd at the word itself, unless the program takes it back in the same breath. */
const SHOWN_WORD_SETTLE_MS = 20
/** Gates are told again, and looked for again, this often. */
const TICK_MS = 1_000

/** Sequences the containers of this pod; resolves when all are ready and the lease service knows. */
export class AgentRun {
  readonly #config: AgentConfig
  readonly #log: Logger
  readonly #rules: Rules
  readonly #contact: Contact
  readonly #asking = new Map<GateName, AbortController>()
  readonly #phases = new Map<string, string>()
  readonly #sources: DatagramSource[] = []
  #state: SequencingState
  /** Whether the last that was known of the lease service is that it cannot be reached: then a stage only tries. */
  #isLost: boolean
  #saved = ''
  #due: NodeJS.Timeout | undefined
  #finish = (): void => undefined

  constructor(config: AgentConfig, { attempt, isLost }: { attempt: number; isLost: boolean }, log: Logger) {
    const { sequence, startTimeoutMs } = config
    this.#config = config
    this.#isLost = isLost
    this.#log = log
    const settle = {
      simpleSettleMs: SIMPLE_SETTLE_MS,
      wordSettleMs: WORD_SETTLE_MS,
      shownWordSettleMs: SHOWN_WORD_SETTLE_MS,
    }
    this.#rules = { sequence, attempt, startTimeoutMs, ...settle }
    this.#state = loadState(this.#rules, systemClock.wallMs())
    this.#contact = new Contact({
      config,
      attempt,
      isLost,
      post: createLeasePost(config),
      clock: systemClock,
      random: Math.random,
      newNonce: randomUUID,
      reports: () => reportsOf(this.#rules, this.#state, systemClock.monotonicMs()),
      onSights: containers => this.#take({ kind: 'sights', containers }),
      onAlone: (isAlone, reason) => this.#takeAlone(isAlone, reason),
    })
  }

  async run(): Promise<void> {
    const { sequence, attempt } = this.#rules
    const finished = new Promise<void>(resolve => {
      this.#finish = resolve
    })
    // Before any gate opens: who sends before somebody listens is not heard.
    await this.#listenToContainers()
    const look = watchGates(
      sequence.stages.map(stage => stage.gate),
      attempt,
      (kind, gate) => this.#take({ kind: `gate-${kind}`, gate }),
    )
    void this.#contact.run()
    const ticking = setInterval(() => {
      look()
      this.#take({ kind: 'tick' })
    }, TICK_MS)
    await finished
    clearInterval(ticking)
    await Promise.all(this.#sources.map(source => source.close()))
  }

  async #listenToContainers(): Promise<void> {
    for (const [container, readiness] of Object.entries(this.#rules.sequence.readiness)) {
      const tell = (said: ReturnType<typeof parseDatagram>) => {
        if (said) this.#take({ kind: 'notification', container, said, wallMs: systemClock.wallMs() })
      }
      watchDaemon({ readiness, runSinceWallMs: () => this.#runSince(container), onChange: tell })
      if (readiness.type !== 'notify') continue
      const path = `${NOTIFY_DIRECTORY}/${container}/${NOTIFY_SOCKET_FILE}`
      this.#sources.push(await openDatagramSource(path, bytes => tell(parseDatagram(bytes))))
    }
  }

  #runSince(container: string): number | undefined {
    const index = this.#rules.sequence.stages.findIndex(stage => stage.containers.includes(container))
    const openedMs = this.#state.stages[index]?.openedMs
    const openedWallMs =
      openedMs === undefined ? undefined : openedMs + systemClock.wallMs() - systemClock.monotonicMs()
    return runSince(openedWallMs, this.#state.tracks[container]?.sight?.startedAtMs)
  }

  #takeAlone(isAlone: boolean, reason: string): void {
    this.#isLost = isAlone
    if (isAlone === this.#state.isAlone) return
    if (isAlone) this.#log.warn({ reason }, 'no contact with the lease service: going on by what this pod shows')
    else this.#log.info('in contact with the lease service')
    this.#take({ kind: 'alone', isAlone })
  }

  #take(event: SequencingEvent): void {
    const nowMs = systemClock.monotonicMs()
    const [next, effects] = step(this.#rules, this.#state, event, nowMs)
    this.#state = next
    // Mere talk is kept at the next tick: a file for each word would hold up a daemon that says much.
    const isTalk = event.kind === 'notification' && event.said.state === undefined
    if (!isTalk || effects.length > 0) this.#save()
    this.#tell(nowMs)
    for (const effect of effects) this.#act(effect)
    void this.#contact.report()
    clearTimeout(this.#due)
    const atMs = dueMs(this.#rules, next, nowMs)
    if (atMs !== undefined) this.#due = setTimeout(() => this.#take({ kind: 'tick' }), atMs - nowMs)
    if (isFinished(this.#rules, next, nowMs) && this.#contact.isDelivered()) this.#finish()
  }

  /** A full disk must not end the sequence; it only costs the memory of a crash. */
  #save(): void {
    const text = JSON.stringify(this.#state)
    if (text === this.#saved) return
    this.#saved = text
    try {
      saveState(this.#rules, this.#state)
    } catch (error) {
      this.#log.error({ error: messageOf(error) }, 'cannot keep the state')
    }
  }

  #tell(nowMs: number): void {
    for (const [container, track] of Object.entries(this.#state.tracks)) {
      const phase = phaseOf(this.#rules, this.#state, container, nowMs)
      if (phase === this.#phases.get(container)) continue
      this.#phases.set(container, phase)
      const { status, errno } = track
      this.#log.info({ container, phase, ...(status && { status }), ...(errno && { errno }) }, `${container}: ${phase}`)
    }
  }

  #act(effect: Effect): void {
    const { gate } = effect
    if (effect.kind === 'open')
      openGate(gate, effect.verdict).catch((error: unknown) =>
        this.#log.error({ gate, error: messageOf(error) }, 'cannot open the gate; trying again'),
      )
    else if (effect.kind === 'ask') void this.#ask(gate)
    else {
      this.#log.info({ gate }, 'withdrawn: a dependency is not ready any more')
      this.#asking.get(gate)?.abort()
    }
  }

  async #ask(gate: GateName): Promise<void> {
    const { attempt } = this.#rules
    const config = { ...this.#config, gate }
    const withdrawn = new AbortController()
    this.#asking.set(gate, withdrawn)
    const verdict = await waitUnlessWithdrawn(
      {
        config,
        attempt,
        isLost: this.#isLost,
        ...directWay(config),
        clock: systemClock,
        random: Math.random,
        newNonce: randomUUID,
        onReason: (reason, place) => this.#log.info({ gate, attempt, ...place, reason }, 'waiting'),
      },
      withdrawn.signal,
    )
    if (!verdict) return
    this.#isLost = verdict.verdict === 'failed-open'
    void markLost(attempt, this.#isLost)
    this.#log.info({ ...verdict, attempt }, verdict.verdict === 'granted' ? 'granted' : 'failing open')
    this.#take({ kind: 'verdict', gate, verdict: { ...verdict, attempt } })
  }
}
