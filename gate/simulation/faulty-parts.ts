import type { NamespaceSettings } from '../../core/annotations.ts'
import type { Workload } from '../lease-service/after/workload-readiness.ts'
import { Ledger } from '../lease-service/ledger/ledger.ts'
import { scopesOf } from '../lease-service/limits/scopes.ts'
import { type Holder, Usage } from '../lease-service/limits/slot-usage.ts'
import type { Grant, Resource, Ticket } from '../lease-service/model/grant.ts'
import { holdersOf } from '../lease-service/pods/slot-release.ts'
import { GrantWriter, type GrantWriterDeps } from '../lease-service/store/grant-writer.ts'
import type { Rules, SequencingEvent, SequencingState } from '../pod/agent/sequencing-state.ts'
import { resumed } from '../pod/agent/state-file.ts'
import { step as waitStep } from '../pod/waiting.ts'

/*
 * Test support. Parts of the lease service, the gate and the agent, each with one fault that the simulation must find:
 * see mutants.test.ts.
 */

/** Gives a grant's slots back twice when it ends. */
export class DoublyFreed extends Usage {
  readonly #slots = new Map<string, number>()

  override hold(holder: Holder, slots: number): void {
    const before = this.#slots.get(holder.key) ?? 0
    this.#slots.set(holder.key, slots)
    super.hold(holder, slots)
    if (slots === 0 && before > 0) this.charge(holder, -1)
  }
}

/** Forgets the gate when its grant could not be stored. */
export class Forgetful extends Ledger {
  override revoke(key: string): void {
    super.revoke(key)
    this.withdraw(key)
  }
}

/** Gives slots to who comes back first after a change of leader. */
export class FirstComeFirstServed extends Ledger {
  override expectReconnects(): void {}
}

/** Gives all namespaces the same share. */
export class Weightless extends Ledger {
  override setNamespace(name: string, { weight: _, ...settings }: NamespaceSettings): void {
    super.setNamespace(name, settings)
  }
}

/** Compares what namespaces hold anywhere, not where their pods meet. */
export class Everywhere extends Usage {
  override heldBy(resource: Resource, namespace: string): number {
    return this.held(resource, `namespace/${namespace}`)
  }
}

/** Takes starts that nobody asked room for as none. */
export class Blindfolded extends Usage {
  override hold(holder: Holder, slots: number): void {
    super.hold(holder, holder.isObserved ? 0 : slots)
  }
}

/** Leaves no room for starts without a slot. */
export class Debtless extends Usage {
  override debt(): number {
    return 0
  }
}

/** Never starts anybody beyond full limits because a floor says so. */
export class Floorless extends Ledger {
  override setNamespace(name: string, { minStartRate: _, ...settings }: NamespaceSettings): void {
    super.setNamespace(name, settings)
  }
}

/** Answers a stored grant whose slots may have gone to others. */
export class Trusting extends Ledger {
  override ask(ticket: Ticket, nowMs: number): Grant | undefined {
    const before = this.grantOf(ticket.key)
    const granted = super.ask(ticket, nowMs)
    if (!before || granted) return granted
    this.adopt(before, nowMs)
    return before
  }
}

/** Lets a pull go on without a slot when the one ends whose slot it shared. */
export class FreeRides extends Usage {
  override hold(holder: Holder & Partial<Grant>, slots: number): void {
    super.hold(holder, holder.isRider ? 0 : slots)
  }
}

/** Answers before the grant is durable. */
export class Hasty extends GrantWriter {
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

/** Deletes no Lease. */
export class Hoarder extends GrantWriter {
  override release(): void {}

  override knows(): boolean {
    return true
  }
}

/** What every pod may come after, at once. */
export const ready: Workload = {
  metadata: {},
  status: { availableReplicas: 1, conditions: [{ type: 'Available', status: 'True' }] },
}

/** Believes a status before it shows that the grant's gate has ended. */
export const tooEarly: typeof holdersOf = (grant, facts, nowMs) => {
  const pod = structuredClone(facts.pod)
  for (const status of pod?.status?.initContainerStatuses ?? []) {
    if (status.name === grant.gate) status.state = { terminated: { exitCode: 0, containerID: 'any' } }
  }
  return holdersOf(grant, { ...facts, pod }, nowMs)
}

/** Takes records that an earlier sandbox left for records of this run. */
export const credulous: typeof holdersOf = (grant, facts, nowMs) => {
  const pod = structuredClone(facts.pod)
  for (const { state } of pod?.status?.initContainerStatuses ?? []) {
    delete state?.terminated?.message
    delete state?.terminated?.finishedAt
  }
  return holdersOf({ ...grant, staleContainerIds: [] }, { ...facts, pod }, nowMs)
}

/** Knows nothing of the limits whose ID matches. */
export const withoutScope =
  (pattern: RegExp): typeof scopesOf =>
  (ticket, facts) =>
    scopesOf(ticket, facts).filter(scope => !pattern.test(scope.id))

/** Takes half of a rate's time for all of it. */
export const halfWindows: typeof scopesOf = (ticket, facts) =>
  scopesOf(ticket, facts).map(scope => (scope.windowMs ? { ...scope, windowMs: scope.windowMs / 2 } : scope))

/** Does not hear READY=1. */
export const deaf = (event: SequencingEvent): SequencingEvent =>
  event.kind === 'notification' ? { kind: 'tick' } : event

/** Overlooks the first dependency of each stage. */
export const skipping = (rules: Rules): Rules => ({
  ...rules,
  sequence: {
    ...rules.sequence,
    stages: rules.sequence.stages.map(stage => ({ ...stage, dependsOn: stage.dependsOn.slice(1) })),
  },
})

/** Takes the gates that were opened in an earlier sandbox for open. */
export const forgetsSandbox: typeof resumed = (rules, saved, wallMs) => {
  const { stages = [], ...rest } = saved.state ?? {}
  const again = stages.map(({ hasPassed: _, ...stage }) => stage)
  const state = saved.state && { ...rest, stages: again }
  return resumed(rules, { ...saved, attempt: rules.attempt, ...(state && { state: state as SequencingState }) }, wallMs)
}

/** Takes every answer for the answer to its own request. */
export const anyNonce: typeof waitStep = (state, event, nowMs, patience) =>
  event.kind === 'message' && event.message.kind === 'granted'
    ? waitStep(state, { ...event, nonce: event.message.nonce }, nowMs, patience)
    : waitStep(state, event, nowMs, patience)

/** Lets its pod go when the first connection is lost. */
export const impatient: typeof waitStep = (state, event, nowMs) =>
  waitStep(state, event, nowMs, { failOpenAfterMs: 0, failOpenJitterMs: 0 })
