import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { skewOf } from '../../../core/version.ts'
import type { Grant, ReleaseReason } from '../model/grant.ts'
import type { Trouble } from '../model/trouble.ts'
import { addGauges, type MetricsView } from './gauges.ts'
import { NamespaceCounter } from './namespace-counter.ts'

export interface ServiceMetrics {
  registry: Registry
  granted(grant: Pick<Grant, 'resource' | 'namespace'>, waitedMs: number): void
  released(grant: Pick<Grant, 'resource' | 'namespace'>, reason: ReleaseReason): void
  failedOpen(namespace: string, gate: string): void
  /** A start passed full limits, by a floor or a maximum wait. */
  passed(namespace: string): void
  refused(code: string): void
  /** A pod's grant could not be made, for a reason of its own. */
  setAside(reason: Trouble['kind']): void
  /** A decision failed as a whole. */
  stepFailed(): void
  /** A gate or an agent of this version asks. */
  asked(version: string | undefined): void
  /** A node's waiter has connected, or its connection has ended. */
  nodeLink(isUp: boolean): void
}

const WAIT_BUCKETS_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]

/** Prometheus metrics of one replica. */
export function createMetrics(read: MetricsView): ServiceMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const { grants, releases, failOpens, passes, refusals, setAsides, stepFailures, requests, waits } = countersOf(
    read,
    registers,
  )
  const nodeLink = nodeLinkMetrics(registers)
  addGauges(read, registers)
  return {
    registry,
    granted: ({ resource, namespace }, waitedMs) => {
      grants.inc({ resource, namespace })
      waits.observe({ resource }, waitedMs / 1000)
    },
    released: ({ resource, namespace }, reason) => releases.inc({ resource, namespace, reason }),
    failedOpen: (namespace, gate) => failOpens.inc({ namespace, gate }),
    passed: namespace => passes.inc({ namespace }),
    refused: code => refusals.inc({ code }),
    setAside: reason => setAsides.inc({ reason }),
    stepFailed: () => stepFailures.inc(),
    asked: version => requests.inc({ version: skewOf(version) }),
    nodeLink,
  }
}

function countersOf({ hasNamespace }: MetricsView, registers: Registry[]) {
  const bounds = { exists: hasNamespace }
  const counter = <L extends string>(name: string, help: string, labelNames: ('namespace' | L)[]) =>
    new NamespaceCounter<L>({ name, help, labelNames, registers }, bounds)
  const grants = counter('startgate_grants_total', 'Grants answered.', ['resource', 'namespace'])
  const releases = counter('startgate_releases_total', 'Grants ended.', ['resource', 'namespace', 'reason'])
  const failOpens = counter('startgate_fail_opens_total', 'Gates that let their pod go without a grant.', [
    'namespace',
    'gate',
  ])
  const passes = counter(
    'startgate_over_limit_grants_total',
    'Starts that passed full limits by min-start-rate or max-wait.',
    ['namespace'],
  )
  const refusals = new Counter({
    name: 'startgate_refusals_total',
    help: 'Requests refused.',
    labelNames: ['code'],
    registers,
  })
  const setAsides = new Counter({
    name: 'startgate_set_aside_total',
    help: 'Times a pod was set aside while all others went on: its Lease is refused, or deciding on it failed.',
    labelNames: ['reason'],
    registers,
  })
  const stepFailures = new Counter({
    name: 'startgate_failed_decisions_total',
    help: 'Decisions that failed as a whole; any is a fault.',
    registers,
  })
  const requests = new Counter({
    name: 'startgate_requests_total',
    help: "Requests of gates and agents, by how their version stands to this program's: same, older, newer.",
    labelNames: ['version'],
    registers,
  })
  const waits = new Histogram({
    name: 'startgate_wait_seconds',
    help: "From a gate's first request to its grant.",
    labelNames: ['resource'],
    buckets: WAIT_BUCKETS_SECONDS,
    registers,
  })
  return { grants, releases, failOpens, passes, refusals, setAsides, stepFailures, requests, waits }
}

function nodeLinkMetrics(registers: Registry[]): (isUp: boolean) => void {
  const taken = new Counter({
    name: 'startgate_node_links_taken_total',
    help: "Connections of nodes' waiters taken.",
    registers,
  })
  const open = new Gauge({
    name: 'startgate_node_links',
    help: "Nodes' waiters connected: each while gates of its node wait, and half a minute longer.",
    registers,
  })
  return isUp => {
    if (isUp) taken.inc()
    open.inc(isUp ? 1 : -1)
  }
}
