import type { Clock } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { KubeClient } from './client.ts'
import {
  beginTurn,
  type Contender,
  callTimeoutMs,
  type ElectionAction,
  type ElectionState,
  INITIAL_ELECTION,
  isChanging,
  isLeading,
  type Leader,
  leaderOf,
  type Now,
  nextAction,
  observed,
  released,
  resigned,
  turnDelayMs,
  writeFailed,
  written,
} from './election.ts'
import { checkElectionTimes, ELECTION_TIMES, type ElectionTimes } from './election-times.ts'
import { isConflict, isNotFound, orUndefined } from './kube-error.ts'
import type { Lease } from './lease.ts'

export interface LeaderElectorOptions {
  client: Pick<KubeClient, 'getLease' | 'createLease' | 'replaceLease'>
  namespace: string
  /** Name of the Lease. */
  name: string
  /** Unique to this process. */
  identity: string
  /** `host:port` at which this process serves when it leads. */
  address: string
  clock: Clock
  /** In [0, 1). */
  random(): number
  log: Logger
  times?: ElectionTimes
  onStartedLeading(term: number): void
  /** Called once for each onStartedLeading. resign() waits for it before it lets the next one lead. */
  onStoppedLeading(): void | Promise<void>
  /** Also for this process itself. */
  onNewLeader?(leader: Leader): void
}

export interface LeaderElector {
  start(): void
  /**
   * Stops leading for good, then releases the Lease. Goes on looking at it until the process ends, so that who still
   * comes here can be shown the way. Never rejects.
   */
  resign(): Promise<void>
  /**
   * By this process's monotonic clock: false once renewDeadline passed without a renewal, even if the loop is stalled.
   */
  isLeader(): boolean
  /** The term this process leads or last led; 0 before. */
  term(): number
  leader(): Leader | undefined
  /** Whether another leader than `leader()` is to be expected soon. */
  isChanging(): boolean
  /**
   * A quorum read of the Lease: does this process still hold it, in this term? Rejects when the API server does not
   * answer.
   */
  confirmTerm(): Promise<boolean>
}

/**
 * Leader election on a Lease after the rules of client-go's tools/leaderelection: only *changes* of the Lease count,
 * timed on the local monotonic clock; every write is conditional; each takeover raises the term (leaseTransitions).
 *
 * This is not fencing. Between isLeader() and whatever is done next this process can be paused for any time while
 * another one leads. What must not be done twice has to be conditional on its own object, or be followed by
 * confirmTerm() before it is told to anyone. Deleting the Lease starts terms over: compare them for equality, not for
 * order.
 */
export function createLeaderElector(options: LeaderElectorOptions): LeaderElector {
  return new Elector(options)
}

class Elector implements LeaderElector {
  readonly #options: LeaderElectorOptions
  readonly #me: Contender
  #state: ElectionState = INITIAL_ELECTION
  #term = 0
  #told: { leading: boolean; leader: string } = { leading: false, leader: '' }
  #hasResigned = false
  #turn: Promise<void> = Promise.resolve()
  #handOver: void | Promise<void> = undefined
  #turnTimer: NodeJS.Timeout | undefined
  #deadlineTimer: NodeJS.Timeout | undefined

  constructor(options: LeaderElectorOptions) {
    const { namespace, name, identity, address, times = ELECTION_TIMES } = options
    checkElectionTimes(times)
    this.#options = options
    this.#me = { namespace, name, identity, address, times }
  }

  start = (): void => {
    this.#schedule(0)
  }

  resign = async (): Promise<void> => {
    this.#hasResigned = true
    clearTimeout(this.#turnTimer)
    await this.#turn
    clearTimeout(this.#turnTimer)
    const { lease, fresh } = this.#state
    const led = this.isLeader()
    this.#set(resigned(this.#state, this.#me))
    try {
      await this.#handOver
      if (led && lease) await this.#release(lease, fresh)
    } catch (error) {
      this.#options.log.warn(
        { err: messageOf(error) },
        'could not release the leader Lease; the next leader waits it out',
      )
    }
    this.#schedule(0)
  }

  isLeader = (): boolean => isLeading(this.#state, this.#me.times, this.#options.clock.monotonicMs())
  term = (): number => this.#term
  leader = (): Leader | undefined => leaderOf(this.#state, this.#me.times, this.#options.clock.monotonicMs())

  isChanging = (): boolean => isChanging(this.#state, this.#me.times, this.#options.clock.monotonicMs())

  confirmTerm = async (): Promise<boolean> => {
    const { leading, lease: held } = this.#state
    if (!leading || !this.isLeader()) return false
    const lease = await this.#read()
    const same = lease?.metadata.uid === held?.metadata.uid && lease?.spec?.leaseTransitions === leading.term
    if (same && lease?.spec?.holderIdentity === this.#me.identity) {
      return this.isLeader() && this.#state.leading?.term === leading.term
    }
    // Unless a turn has moved on meanwhile, in which case this read is the older news.
    if (this.#state.leading?.term === leading.term) {
      this.#set(observed(this.#state, lease, this.#me, this.#options.clock.monotonicMs()))
    }
    return false
  }

  #schedule(delayMs: number): void {
    this.#turnTimer = setTimeout(() => {
      this.#turn = this.#takeTurn().then(() => {
        const { clock, random } = this.#options
        this.#schedule(turnDelayMs(this.#state, this.#me.times, clock.monotonicMs(), random()))
      })
    }, delayMs)
  }

  async #takeTurn(): Promise<void> {
    try {
      this.#set(beginTurn(this.#state, this.#me.times, this.#now().monotonicMs))
      let action = nextAction(this.#state, this.#me, this.#now())
      if (action.kind === 'read') {
        const lease = await this.#read()
        const seen = observed(this.#state, lease, this.#me, this.#now().monotonicMs)
        this.#set(this.#hasResigned ? resigned(seen, this.#me) : seen)
        action = nextAction(this.#state, this.#me, this.#now())
      }
      if (!this.#hasResigned) await this.#write(action)
    } catch (error) {
      this.#options.log.warn({ err: messageOf(error), leading: this.isLeader() }, 'leader election turn failed')
    }
  }

  async #write(action: ElectionAction): Promise<void> {
    if (action.kind === 'wait' || action.kind === 'read') return
    const { client } = this.#options
    const sentAtMs = this.#now().monotonicMs
    try {
      const write = action.kind === 'create' ? client.createLease : client.replaceLease
      const lease = await write(action.lease, this.#callOptions())
      this.#set(written(lease, sentAtMs, this.#now().monotonicMs))
    } catch (error) {
      this.#set(writeFailed(this.#state))
      // Someone else was first, or touched the Lease: the next turn reads.
      if (!isConflict(error)) throw error
    }
  }

  async #read(): Promise<Lease | undefined> {
    const { namespace, name } = this.#me
    return this.#options.client.getLease(namespace, name, this.#callOptions()).catch(orUndefined(isNotFound))
  }

  async #release(lease: Lease, fresh: boolean): Promise<void> {
    const current = fresh ? lease : await this.#read()
    if (current?.spec?.holderIdentity !== this.#me.identity) return
    await this.#options.client.replaceLease(released(current, this.#now()), this.#callOptions())
  }

  /** Every state passes here, so that callbacks see every change, once and in order. */
  #set(state: ElectionState): void {
    this.#state = state
    const leading = this.isLeader()
    if (this.#told.leading && (!leading || state.leading?.term !== this.#term)) {
      this.#told.leading = false
      this.#options.log.info({ term: this.#term }, 'stopped leading')
      this.#handOver = this.#options.onStoppedLeading()
    }
    if (leading && state.leading && !this.#told.leading) {
      this.#told.leading = true
      this.#term = state.leading.term
      this.#options.log.info({ term: this.#term }, 'started leading')
      this.#options.onStartedLeading(this.#term)
    }
    this.#watchDeadline(leading)
    const leader = this.leader()
    const told = leader ? JSON.stringify(leader) : ''
    if (leader && told !== this.#told.leader) this.#options.onNewLeader?.(leader)
    if (leader) this.#told.leader = told
  }

  /** A turn that hangs in a request must not keep onStoppedLeading from being called in time. */
  #watchDeadline(leading: boolean): void {
    clearTimeout(this.#deadlineTimer)
    if (!leading || !this.#state.leading) return
    const { renewDeadlineMs } = this.#me.times
    const leftMs = this.#state.leading.renewedAtMs + renewDeadlineMs - this.#options.clock.monotonicMs()
    this.#deadlineTimer = setTimeout(() => this.#set(this.#state), leftMs + 1)
  }

  #now(): Now {
    const { clock } = this.#options
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }
  }

  #callOptions(): { timeoutMs: number } {
    return { timeoutMs: callTimeoutMs(this.#me.times) }
  }
}
