import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  beginTurn,
  type Contender,
  type ElectionAction,
  type ElectionState,
  INITIAL_ELECTION,
  isLeading,
  nextAction,
  observed,
  released,
  termOf,
  writeFailed,
  written,
} from './election.ts'
import { ELECTION_TIMES } from './election-times.ts'
import type { Lease } from './lease.ts'

/** The Lease as etcd keeps it: one copy, written only on its present resourceVersion. */
class Server {
  lease: Lease | undefined
  #version = 0

  read(): Lease | undefined {
    return structuredClone(this.lease)
  }

  write(kind: 'create' | 'replace', lease: Lease): Lease | 'conflict' {
    const expected = kind === 'create' ? undefined : lease.metadata.resourceVersion
    if (this.lease?.metadata.resourceVersion !== expected) return 'conflict'
    this.#version += 1
    this.lease = { ...lease, metadata: { ...lease.metadata, uid: 'u1', resourceVersion: `${this.#version}` } }
    return structuredClone(this.lease)
  }
}

type Answer = { lease: Lease | undefined } | { lease: 'conflict' }

/** One process. Sending, serving and answering a request are three steps, so that a pause fits between any two. */
class Process {
  state: ElectionState = INITIAL_ELECTION
  #starts = 0
  #request: { action: ElectionAction; sentAtMs: number } | undefined
  #answer: Answer | undefined
  readonly #index: number
  readonly #rate: number

  constructor(index: number, rate: number) {
    this.#index = index
    this.#rate = rate
  }

  get me(): Contender {
    const identity = `p${this.#index}-${this.#starts}`
    return { namespace: 'n', name: 'l', identity, address: identity, times: ELECTION_TIMES }
  }

  clock(globalMs: number): number {
    return globalMs * this.#rate + this.#index * 1_000_000
  }

  leads(globalMs: number): boolean {
    return isLeading(this.state, ELECTION_TIMES, this.clock(globalMs))
  }

  turn(globalMs: number): void {
    if (this.#request) return
    this.state = beginTurn(this.state, ELECTION_TIMES, this.clock(globalMs))
    this.#send(globalMs)
  }

  #send(globalMs: number): void {
    const action = nextAction(this.state, this.me, { monotonicMs: this.clock(globalMs), wallMs: 5 })
    if (action.kind !== 'wait') this.#request = { action, sentAtMs: this.clock(globalMs) }
  }

  serve(server: Server): void {
    if (!this.#request || this.#answer) return
    const { action } = this.#request
    this.#answer = { lease: 'lease' in action ? server.write(action.kind, action.lease) : server.read() }
  }

  answer(globalMs: number): void {
    if (!this.#request || !this.#answer) return
    const { request, answer } = { request: this.#request, answer: this.#answer }
    this.#request = this.#answer = undefined
    const nowMs = this.clock(globalMs)
    if (answer.lease === 'conflict') this.state = writeFailed(this.state)
    else if (request.action.kind === 'read') {
      this.state = observed(this.state, answer.lease, this.me, nowMs)
      this.#send(globalMs)
    } else if (answer.lease) this.state = written(answer.lease, request.sentAtMs, nowMs)
  }

  /** The request times out, served or not. */
  lose(): void {
    if (!this.#request) return
    if (this.#request.action.kind !== 'read') this.state = writeFailed(this.state)
    this.#request = this.#answer = undefined
  }

  restart(): void {
    this.state = INITIAL_ELECTION
    this.#request = this.#answer = undefined
    this.#starts += 1
  }

  release(server: Server, globalMs: number): void {
    const { lease } = this.state
    const led = this.leads(globalMs)
    this.restart()
    if (led && lease) server.write('replace', released(lease, { monotonicMs: 0, wallMs: 6 }))
  }
}

const who = fc.nat(2)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('turn', 'serve', 'answer', 'whole'), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose', 'release', 'restart'), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.oneof(fc.nat(1_500), fc.nat(12_000)) }) },
)
type Step = { do: string; who?: number; ms?: number }

class World {
  readonly server = new Server()
  readonly processes: Process[]
  readonly #confirmed = new Map<number, string>()
  #highestTerm = 0
  #nowMs = 0

  constructor(rates: number[]) {
    this.processes = rates.map((rate, index) => new Process(index, rate))
  }

  take({ do: what, who: index = 0, ms = 0 }: Step): void {
    const process = this.processes[index]
    if (what === 'advance') this.#nowMs += ms
    if (what === 'turn' || what === 'whole') process?.turn(this.#nowMs)
    if (what === 'serve' || what === 'whole') process?.serve(this.server)
    if (what === 'answer' || what === 'whole') process?.answer(this.#nowMs)
    if (what === 'whole') process?.serve(this.server)
    if (what === 'whole') process?.answer(this.#nowMs)
    if (what === 'lose') process?.lose()
    if (what === 'release') process?.release(this.server, this.#nowMs)
    if (what === 'restart') process?.restart()
    this.check()
  }

  leaders(): Process[] {
    return this.processes.filter(process => process.leads(this.#nowMs))
  }

  // Plain throws: expect() at every step would take most of the run.
  check(): void {
    const leaders = this.leaders()
    if (leaders.length > 1) throw new Error(`${leaders.map(({ me }) => me.identity)} lead together`)
    const { lease } = this.server
    const term = lease ? termOf(lease) : 0
    if (term < this.#highestTerm) throw new Error(`the term went back to ${term}`)
    this.#highestTerm = term
    for (const { me, state } of leaders) {
      if (lease?.spec?.holderIdentity !== me.identity || term !== state.leading?.term) continue
      const before = this.#confirmed.get(term) ?? me.identity
      if (before !== me.identity) throw new Error(`${before} and ${me.identity} both confirmed term ${term}`)
      this.#confirmed.set(term, me.identity)
    }
  }

  runFairly(forMs: number): void {
    for (let passed = 0; passed < forMs; passed += 500) {
      for (const index of this.processes.keys()) {
        // The first two only finish what was under way.
        for (const what of ['serve', 'answer', 'whole']) this.take({ do: what, who: index })
      }
      this.take({ do: 'advance', ms: 500 })
    }
  }
}

// A clock 1.15 times as fast as another is within 7 s : 6 s; real ones differ by less than a thousandth.
const rates = fc.tuple(fc.constantFrom(1, 1.15), fc.constantFrom(1, 1.1), fc.constantFrom(1, 1.15))

test('three contenders, paused, cut off, restarted and with clocks of different speed, never lead together, and one always leads in the end', () => {
  fc.assert(
    fc.property(rates, fc.array(step, { minLength: 20, maxLength: 120 }), (speeds, steps) => {
      const world = new World(speeds)
      for (const next of steps) world.take(next)
      world.runFairly(20_000)
      const [leader] = world.leaders()
      const term = leader?.state.leading?.term
      expect(term, 'someone leads').toBeDefined()
      world.runFairly(20_000)
      expect(world.leaders().map(process => process.state.leading?.term)).toEqual([term])
    }),
    { numRuns: 1_000 },
  )
})
