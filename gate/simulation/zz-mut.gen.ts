const test: any = () => {}; test.each = () => () => {}; const describe: any = () => {}; const expect: any = {}
import type { NamespaceSettings } from '../../core/annotations.ts'
import type { Workload } from '../lease-service/after/workload-readiness.ts'
import { Ledger } from '../lease-service/ledger/ledger.ts'
import { startShareOf } from '../lease-service/limits/bounds.ts'
import { scopesOf } from '../lease-service/limits/scopes.ts'
import { type Holder, Usage } from '../lease-service/limits/slot-usage.ts'
import type { Grant, Resource, Ticket } from '../lease-service/model/grant.ts'
import { holdersOf } from '../lease-service/pods/slot-release.ts'
import { GrantWriter, type GrantWriterDeps } from '../lease-service/store/grant-writer.ts'
import { type Rules, type SequencingEvent, type SequencingState, step } from '../pod/agent/sequencing.ts'
import { resumed } from '../pod/agent/state-file.ts'
import { step as waitStep } from '../pod/waiting.ts'
import { type Faults, simulate } from './simulation.ts'

/** Set: the one seed to look at. */
const SEED = process.env.STARTGATE_SEED === undefined ? undefined : Number(process.env.STARTGATE_SEED)

test('the same seed gives the same course of events', async () => {
  const run = () =>
    simulate(SEED ?? 7, {
      newLedger: (settings, parts) => new Ledger(settings, { ...parts, usage: new DoublyFreed() }),
    })
  expect(await run()).toEqual(await run())
})

/** Gives a grant's slots back twice when it ends. */
class DoublyFreed extends Usage {
  readonly #slots = new Map<string, number>()

  override hold(holder: Holder, slots: number): void {
    const before = this.#slots.get(holder.key) ?? 0
    this.#slots.set(holder.key, slots)
    super.hold(holder, slots)
    if (slots === 0 && before > 0) this.charge(holder, -1)
  }
}

/** Forgets the gate when its grant could not be stored. */
class Forgetful extends Ledger {
  override revoke(key: string): void {
    super.revoke(key)
    this.withdraw(key)
  }
}

/** Gives slots to who comes back first after a change of leader. */
class FirstComeFirstServed extends Ledger {
  override expectReturns(): void {}
}

class Weightless extends Ledger {
  override setNamespace(name: string, { weight: _, ...settings }: NamespaceSettings): void {
    super.setNamespace(name, settings)
  }
}

/** Compares what namespaces hold anywhere, not where their pods meet. */
class Everywhere extends Usage {
  override heldBy(resource: Resource, namespace: string): number {
    return this.held(resource, `namespace/${namespace}`)
  }
}

/** Takes starts that nobody asked room for as none. */
class Blindfolded extends Usage {
  override hold(holder: Holder, slots: number): void {
    super.hold(holder, holder.isObserved ? 0 : slots)
  }
}

class Debtless extends Usage {
  override debt(): number {
    return 0
  }
}

class Floorless extends Ledger {
  override setNamespace(name: string, { minStartRate: _, ...settings }: NamespaceSettings): void {
    super.setNamespace(name, settings)
  }
}

/** Answers a stored grant whose slots may have gone to others. */
class Trusting extends Ledger {
  override ask(ticket: Ticket, nowMs: number): Grant | undefined {
    const before = this.grantOf(ticket.key)
    const granted = super.ask(ticket, nowMs)
    if (!before || granted) return granted
    this.adopt(before, nowMs)
    return before
  }
}

/** Lets a pull go on without a slot when the one ends whose slot it shared. */
class FreeRides extends Usage {
  override hold(holder: Holder & Partial<Grant>, slots: number): void {
    super.hold(holder, holder.isRider ? 0 : slots)
  }
}

/** Answers before the grant is durable. */
class Hasty extends GrantWriter {
  readonly #onDurable: GrantWriterDeps['onDurable']

  constructor(deps: GrantWriterDeps) {
    super(deps)
    this.#onDurable = deps.onDurable
  }

  override submit(grant: Grant): void {
    super.submit(grant)
    this.#onDurable(grant)
  }
}

const ready: Workload = {
  metadata: {},
  status: { availableReplicas: 1, conditions: [{ type: 'Available', status: 'True' }] },
}

/** Believes a status before it shows that the grant's gate has ended. */
const hasty: typeof holdersOf = (grant, facts, nowMs) => {
  const pod = structuredClone(facts.pod)
  for (const status of pod?.status?.initContainerStatuses ?? []) {
    if (status.name === grant.gate) status.state = { terminated: { exitCode: 0, containerID: 'any' } }
  }
  return holdersOf(grant, { ...facts, pod }, nowMs)
}

/** Takes records that an earlier sandbox left for records of this run. */
const credulous: typeof holdersOf = (grant, facts, nowMs) => {
  const pod = structuredClone(facts.pod)
  for (const { state } of pod?.status?.initContainerStatuses ?? []) {
    delete state?.terminated?.message
    delete state?.terminated?.finishedAt
  }
  return holdersOf({ ...grant, staleContainerIds: [] }, { ...facts, pod }, nowMs)
}

const withoutScope =
  (pattern: RegExp): typeof scopesOf =>
  (ticket, facts) =>
    scopesOf(ticket, facts).filter(scope => !pattern.test(scope.id))

const halfWindows: typeof scopesOf = (ticket, facts) =>
  scopesOf(ticket, facts).map(scope => (scope.windowMs ? { ...scope, windowMs: scope.windowMs / 2 } : scope))

/** Does not hear READY=1. */
const deaf = (event: SequencingEvent): SequencingEvent => (event.kind === 'notification' ? { kind: 'tick' } : event)

const skipping = (rules: Rules): Rules => ({
  ...rules,
  sequence: {
    ...rules.sequence,
    stages: rules.sequence.stages.map(stage => ({ ...stage, dependsOn: stage.dependsOn.slice(1) })),
  },
})

/** Takes the gates that were opened in an earlier sandbox for open. */
const forgetsSandbox: typeof resumed = (rules, saved, wallMs) => {
  const { stages = [], ...rest } = saved.state ?? {}
  const again = stages.map(({ hasPassed: _, ...stage }) => stage)
  const state = saved.state && { ...rest, stages: again }
  return resumed(rules, { ...saved, attempt: rules.attempt, ...(state && { state: state as SequencingState }) }, wallMs)
}

const anyNonce: typeof waitStep = (state, event, nowMs, patience) =>
  event.kind === 'message' && event.message.kind === 'granted'
    ? waitStep(state, { ...event, nonce: event.message.nonce }, nowMs, patience)
    : waitStep(state, event, nowMs, patience)

const impatient: typeof waitStep = (state, event, nowMs) =>
  waitStep(state, event, nowMs, { failOpenAfterMs: 0, failOpenJitterMs: 0 })

/** `seed`: the first that showed the fault when it was written. When it does not any more, all are searched. */
const MUTANTS: Record<string, { faults: Faults; want: RegExp; seed: number }> = {
  'a slot given back twice': {
    faults: { newLedger: (settings, parts) => new Ledger(settings, { ...parts, usage: new DoublyFreed() }) },
    want: /^OverLimit/,
    seed: 1,
  },
  'a pull that outlasts the one it rode on holds no slot': {
    faults: { newLedger: (settings, parts) => new Ledger(settings, { ...parts, usage: new FreeRides() }) },
    want: /^OverLimit: pull/,
    seed: 26,
  },
  'an answer before the grant is durable': {
    faults: { newWriter: deps => new Hasty(deps) },
    want: /^OverLimit/,
    seed: 10,
  },
  'the cluster limit skipped': {
    faults: { newLedger: (settings, parts) => new Ledger(settings, { ...parts, scopesOf: withoutScope(/^cluster$/) }) },
    want: /^OverLimit.* in cluster/,
    seed: 5,
  },
  'the node limit skipped': {
    faults: { newLedger: (settings, parts) => new Ledger(settings, { ...parts, scopesOf: withoutScope(/^node\//) }) },
    want: /^OverLimit.* in node/,
    seed: 1,
  },
  'the namespace limit skipped': {
    faults: {
      newLedger: (settings, parts) => new Ledger(settings, { ...parts, scopesOf: withoutScope(/^namespace\/[^/]+$/) }),
    },
    want: /^OverLimit.* in namespace ns-\d:/,
    seed: 1,
  },
  'the namespace-on-node limit skipped': {
    faults: {
      newLedger: (settings, parts) =>
        new Ledger(settings, { ...parts, scopesOf: withoutScope(/^namespace\/.+\/node\//) }),
    },
    want: /^OverLimit.* in namespace ns-\d on node/,
    seed: 5,
  },
  'a rate ignored': {
    faults: {
      newLedger: (settings, parts) => new Ledger(settings, { ...parts, scopesOf: withoutScope(/^rate\//) }),
    },
    want: /^OverRate/,
    seed: 4,
  },
  'a new leader that takes its rates for unused': {
    faults: { newLedger: (settings, parts) => new Ledger(settings, parts) },
    want: /^OverRate/,
    seed: 45,
  },
  'a new leader that gives to whoever comes back first': {
    faults: { newLedger: (settings, parts, sinceMs) => new FirstComeFirstServed(settings, parts, sinceMs) },
    want: /^Overtook/,
    seed: 68,
  },
  'a weight ignored': {
    faults: { newLedger: (settings, parts, sinceMs) => new Weightless(settings, parts, sinceMs) },
    want: /^Unfair/,
    seed: 44,
  },
  'shares compared across the cluster': {
    faults: {
      newLedger: (settings, parts, sinceMs) =>
        new Ledger(settings, { ...parts, usage: new Everywhere(startShareOf(settings)) }, sinceMs),
    },
    want: /^Unfair/,
    seed: 30,
  },
  'an observed start taken for nothing': {
    faults: {
      newLedger: (settings, parts, sinceMs) =>
        new Ledger(settings, { ...parts, usage: new Blindfolded(startShareOf(settings)) }, sinceMs),
    },
    want: /^OverLimit.* [1-9]\d* owed/,
    seed: 90,
  },
  'a floor ignored': {
    faults: { newLedger: (settings, parts, sinceMs) => new Floorless(settings, parts, sinceMs) },
    want: /^FloorIgnored/,
    seed: 46,
  },
  'a registry limit skipped': {
    faults: {
      newLedger: (settings, parts) => new Ledger(settings, { ...parts, scopesOf: withoutScope(/^registry\//) }),
    },
    want: /^OverLimit.* in registry/,
    seed: 3,
  },
  'a namespace counted in the cluster for less than its share, where it holds more': {
    faults: {
      newLedger: (settings, parts, sinceMs) =>
        new Ledger(settings, { ...parts, usage: new Usage((startShareOf(settings) ?? 0) - 1) }, sinceMs),
    },
    want: /^OverLimit.* in cluster/,
    seed: 4,
  },
  'a rate paid for by half the time': {
    faults: {
      newLedger: (settings, parts, sinceMs) => new Ledger(settings, { ...parts, scopesOf: halfWindows }, sinceMs),
    },
    want: /^OverRate/,
    seed: 4,
  },
  'pressure ignored': {
    faults: {
      newLedger: (settings, parts, sinceMs) => new Ledger(settings, { ...parts, overloads: new Map() }, sinceMs),
    },
    want: /^OverLimit.* in node node-\d under pressure: \d+ held/,
    seed: 1,
  },
  'debt ignored': {
    faults: { newLedger: (settings, parts) => new Ledger(settings, { ...parts, usage: new Debtless() }) },
    want: /^OverLimit.* [1-9]\d* owed/,
    seed: 1,
  },
  'a ticket lost when its grant cannot be stored': {
    faults: { newLedger: (settings, parts) => new Forgetful(settings, parts) },
    want: /^LostTicket/,
    seed: 1,
  },
  'a write of unknown outcome taken for one that was not carried out': {
    faults: { newLedger: (settings, parts) => new Trusting(settings, parts) },
    want: /^OverLimit/,
    seed: 67,
  },
  "a stale status believed: an earlier run's": {
    faults: { newLedger: (settings, parts) => new Ledger(settings, { ...parts, holdersOf: credulous }) },
    want: /^OverLimit/,
    seed: 5,
  },
  'a stale status believed: from before the gate ended': {
    faults: { newLedger: (settings, parts) => new Ledger(settings, { ...parts, holdersOf: hasty }) },
    want: /^OverLimit/,
    seed: 26,
  },
  'a lost notify: READY=1 not read': {
    faults: { agent: { step: (rules, state, event, nowMs) => step(rules, state, deaf(event), nowMs) } },
    want: /^Stuck/,
    seed: 5,
  },
  'a lost notify: not said again to a new leader': {
    faults: { agent: { reportsOnce: true } },
    want: /^LostNotify/,
    seed: 1,
  },
  'a dependency skipped': {
    faults: { agent: { step: (rules, ...rest) => step(skipping(rules), ...rest) } },
    want: /^OrderBroken/,
    seed: 1,
  },
  'a gate opened twice': { faults: { agent: { resumed: forgetsSandbox } }, want: /^Ungated/, seed: 5 },
  'an answer to an earlier request taken': { faults: { waitStep: anyNonce }, want: /^StaleAnswer/, seed: 1 },
  'a gate that lets its pod go at the first lost connection': {
    faults: { waitStep: impatient },
    want: /^BrokeLoose/,
    seed: 1,
  },
  'a woken leader that does not look whether it still leads': {
    faults: { newWriter: deps => new GrantWriter({ ...deps, confirmTerm: async () => true }) },
    want: /^OverLimit|^DoubleGrant/,
    seed: 2,
  },
  'what a pod comes after ignored': {
    faults: { newLedger: settings => new Ledger(settings, { findWorkload: () => ready }) },
    want: /^AfterIgnored/,
    seed: 1,
  },
}

const SEEDS = Array.from({ length: 1_000 }, (_, i) => i + 1)

describe('the simulation finds each seeded fault', () => {
  test.each(Object.entries(MUTANTS))('%s', async (name, { faults, want, seed: known }) => {
    for (const seed of SEED === undefined ? [known, ...SEEDS] : [SEED]) {
      const { violations } = await simulate(seed, faults)
      const found = violations.find(violation => want.test(violation))
      if (!found) continue
      console.info(`${name}: found with STARTGATE_SEED=${seed}: ${found}`)
      return
    }
    expect.fail('no seed shows the fault')
  })
})

export { MUTANTS }
