import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { GateName } from '../../../core/names.ts'
import type { ContainerStatus, Pod } from '../../../core/pod.ts'
import type { FindWorkload } from '../after/after-waits.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import type { Ticket } from '../model/grant.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { sequencedPod } from '../testing/sequenced-pod.ts'
import { Ledger } from './ledger.ts'

const PODS = 6
const NODES = ['n0', 'n1']
const NAMESPACES = ['a', 'b'] as const
const STAGES = ['startgate-pull', 'startgate-start-db', 'startgate-start-cache', 'startgate-start'] as const
const CNI = { kind: 'node-daemonset', namespace: 'net', name: 'cni' } as const

/** Each third one has a declared order; two namespaces, two nodes. */
function podOf(i: number): Pod {
  const of = { uid: `p${i}`, name: `p${i}`, namespace: i % 2 === 0 ? 'a' : 'b' }
  const made = i % 3 === 0 ? sequencedPod() : madePod('')
  return { ...made, metadata: { ...made.metadata, ...of }, spec: { ...made.spec, nodeName: NODES[(i >> 1) % 2] ?? '' } }
}

const gatesOf = (i: number): readonly GateName[] => (i % 3 === 0 ? STAGES : ['startgate-start'])
const at = (second: number): string => new Date(second * 1_000).toISOString()

function ticketAt({ pod, stage, attempt }: { pod: number; stage: number; attempt: number }): Ticket {
  const gate = gatesOf(pod)[stage % gatesOf(pod).length] ?? 'startgate-start'
  const ticket = ticketOf(podOf(pod), { gate, attempt })
  if ('refused' in ticket) throw new Error(ticket.refused)
  return ticket
}

interface Look {
  pod: number
  /** So many of its gates have let it go. */
  passed: number
  /** Its containers run for the first time, or once more. */
  restarts: number
  isReady: boolean
  isDeleted: boolean
  comesAfter: boolean
}

function shownAs({ pod, passed, restarts, isReady, isDeleted, comesAfter }: Look): Pod {
  const base = podOf(pod)
  const ended = (name: string, second: number): ContainerStatus => ({
    ...{ name, ready: true, restartCount: 0, containerID: `${name}-0` },
    state: { terminated: { exitCode: 0, containerID: `${name}-0`, finishedAt: at(second) } },
  })
  const last = (name: string) => ({ exitCode: 1, containerID: `${name}-0`, startedAt: at(10), finishedAt: at(11) })
  const running = (name: string, i: number): ContainerStatus => ({
    ...{ name, ready: isReady, started: isReady, containerID: `${name}-${i === 0 ? restarts : 0}` },
    ...{ restartCount: restarts, state: { running: { startedAt: at(10 + restarts) } } },
    ...(restarts > 0 && i === 0 && { lastState: { terminated: last(name) } }),
  })
  const gates = gatesOf(pod).slice(0, passed)
  const isThrough = gates.length === gatesOf(pod).length
  const started = gates.includes('startgate-start-db') ? ['db'] : []
  const annotations = comesAfter ? { 'startgate.dev/after': 'deployment/x' } : {}
  return {
    ...base,
    metadata: { ...base.metadata, annotations, ...(isDeleted && { deletionTimestamp: at(60) }) },
    status: {
      phase: isThrough ? 'Running' : 'Pending',
      initContainerStatuses: [...gates.map(ended), ...started.map(running)],
      containerStatuses: isThrough ? base.spec.containers.map(({ name }, i) => running(name, i)) : [],
    },
  }
}

/** A ledger in a small cluster, and all that it can be told. */
class Told {
  nowMs = 0
  readonly ledger: Ledger
  #isReady = true
  #cniOn: string[] = NODES

  constructor(isOfAll: boolean) {
    const limits = { cluster: { maxStarting: 2 }, node: { maxStarting: 1 } }
    const settings = { ...DEFAULT_SETTINGS, ...limits, ...(isOfAll && { after: [CNI] }) }
    this.ledger = new Ledger(settings, { findWorkload: this.#find })
    for (const name of NODES) this.node(name, false)
    for (let i = 0; i < PODS; i++) this.ledger.upsertPod(podOf(i))
  }

  readonly #find: FindWorkload = kind => {
    const readyOnNodes = new Map(NODES.map(name => [name, this.#cniOn.includes(name)]))
    if (kind === 'node-daemonset') return { metadata: { namespace: 'net', name: 'cni', uid: 'cni' }, readyOnNodes }
    const conditions = [{ type: 'Available', status: this.#isReady ? 'True' : 'False' }]
    return { metadata: { namespace: 'a', name: 'x' }, status: { availableReplicas: 1, conditions } }
  }

  asks(ticket: Ticket): void {
    this.ledger.ask(ticket, this.nowMs, this.nowMs)
  }

  adopted(ticket: Ticket): void {
    const grant = { ...ticket, term: 1, grantedAtMs: 0, timeoutMs: 60_000, staleContainerIds: [] }
    this.ledger.adopt(grant, this.nowMs)
  }

  notStored({ key }: Ticket): void {
    const grant = this.ledger.grantOf(key)
    if (grant) this.ledger.failed(grant, { kind: 'refused', reason: 'no' }, this.nowMs)
  }

  wait(ms: number): void {
    this.nowMs += ms
  }

  node(name: string, isLost: boolean): void {
    const conditions = [{ type: 'Ready', status: isLost ? 'Unknown' : 'True' }]
    this.ledger.upsertNode({ metadata: { name }, status: { ...madeNode().status, conditions } })
  }

  workloads(isReady: boolean, cniOn: string[]): void {
    this.#isReady = isReady
    this.#cniOn = cniOn
  }

  decided(): string {
    const { grants, releases, waiting, wakeAtMs, timeouts, overdue, failure } = this.ledger.step(
      this.nowMs,
      1,
      this.nowMs,
    )
    const usage = this.ledger.usage()
    return JSON.stringify({ grants, releases, waiting, wakeAtMs, timeouts, overdue, failure, usage })
  }
}

const pod = fc.nat(PODS - 1)
const ticket = fc.record({ pod, stage: fc.nat(3), attempt: fc.constantFrom(1, 1, 1, 2) }).map(ticketAt)
const node = fc.constantFrom(...NODES)
const look = fc.record<Look>({
  ...{ pod, passed: fc.nat(4), restarts: fc.nat(1), isReady: fc.boolean(), comesAfter: fc.boolean() },
  isDeleted: fc.constantFrom(false, false, false, false, true),
})
const mode = fc.constantFrom('enforce' as const, 'observe' as const, 'off' as const)
type Tell = (told: Told) => void
const told = fc.oneof(
  look.map(
    (how): Tell =>
      to =>
        to.ledger.upsertPod(shownAs(how)),
  ),
  look.map(
    (how): Tell =>
      to =>
        to.ledger.upsertPod(shownAs({ ...how, passed: 4, isDeleted: false })),
  ),
  ticket.map(
    (which): Tell =>
      to =>
        to.asks(which),
  ),
  ticket.map(
    (which): Tell =>
      to =>
        to.asks(which),
  ),
  ticket.map(
    (which): Tell =>
      to =>
        to.adopted(which),
  ),
  ticket.map(
    ({ key }): Tell =>
      to =>
        to.ledger.withdraw(key),
  ),
  ticket.map(
    ({ key }): Tell =>
      to =>
        to.ledger.revoke(key),
  ),
  ticket.map(
    (which): Tell =>
      to =>
        to.notStored(which),
  ),
  pod.map(
    (i): Tell =>
      to =>
        to.ledger.removePod(`p${i}`),
  ),
  pod.map(
    (i): Tell =>
      to =>
        to.ledger.report(`p${i}`, 1, [{ container: 'db', state: 'ready' }], to.nowMs),
  ),
  fc.record({ name: fc.constantFrom(...NAMESPACES), mode, maxStarting: fc.nat(3) }).map(
    ({ name, ...settings }): Tell =>
      to =>
        to.ledger.setNamespace(name, settings),
  ),
  fc.constantFrom(...NAMESPACES).map(
    (name): Tell =>
      to =>
        to.ledger.removeNamespace(name),
  ),
  fc.tuple(node, fc.boolean()).map(
    ([name, isLost]): Tell =>
      to =>
        to.node(name, isLost),
  ),
  node.map(
    (name): Tell =>
      to =>
        to.ledger.removeNode(name),
  ),
  fc.tuple(fc.boolean(), fc.subarray(NODES)).map(
    ([isReady, on]): Tell =>
      to =>
        to.workloads(isReady, on),
  ),
  fc.constantFrom(10, 1_000, 5_000, 70_000, 700_000).map(
    (ms): Tell =>
      to =>
        to.wait(ms),
  ),
)

test('a ticket that is not looked at again is decided on as if it were', () => {
  const steps = fc.array(fc.array(told, { minLength: 1, maxLength: 4 }), { minLength: 5, maxLength: 25 })
  fc.assert(
    fc.property(steps, fc.boolean(), (all, isOfAll) => {
      const [as, asIf] = [new Told(isOfAll), new Told(isOfAll)]
      for (const tells of all) {
        for (const tell of tells) for (const to of [as, asIf]) tell(to)
        // After what may concern all tickets are looked at.
        asIf.ledger.setNamespace('unrelated', {})
        expect(as.decided()).toEqual(asIf.decided())
      }
    }),
    { numRuns: 150 },
  )
})
