import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Pressure } from '../../../core/pressure.ts'
import { skewOf } from '../../../core/version.ts'
import type { ScopeUsage } from '../limits/slot-usage.ts'
import type { Grant, ReleaseReason } from '../model/grant.ts'
import type { Trouble } from '../model/trouble.ts'
import type { BadAnnotationRow } from './annotation-problems.ts'
import { NamespaceCounter } from './namespace-counter.ts'
import type { QueueLength } from './queue-length.ts'

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
}

const WAIT_BUCKETS_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]

/** What is read anew at each scrape. */
export interface MetricsView {
  usage: () => ScopeUsage[]
  queueLengths: () => QueueLength[]
  streams: () => number
  isLeading: () => boolean
  eventsDropped: () => number
  /** Since the API server last said anything on the watch that has been silent longest. */
  watchAgeSeconds: () => number
  /** By node. */
  pressures: () => [nodeName: string, pressure: Pressure][]
  badAnnotations: () => BadAnnotationRow[]
  /** Whether there is such a namespace: of others nothing is counted any more. */
  hasNamespace: (name: string) => boolean
}

/** Prometheus metrics of one replica. */
export function createMetrics(read: MetricsView): ServiceMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const bounds = { exists: read.hasNamespace }
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
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  gauge('startgate_leader', '1 on the replica that grants.', () => (read.isLeading() ? 1 : 0))
  gauge('startgate_streams', 'Gates and agents connected.', read.streams)
  gauge('startgate_events_dropped', 'Events that could not be told.', read.eventsDropped)
  gauge(
    'startgate_watch_age_seconds',
    'Since the API server last said anything; over 80 is a fault.',
    read.watchAgeSeconds,
  )
  const scopeGauge = (field: 'held' | 'debt' | 'limit' | 'waiting', help: string) =>
    new Gauge({
      name: `startgate_slots_${field}`,
      help,
      labelNames: ['scope', 'resource'],
      registers,
      collect() {
        this.reset()
        for (const row of read.usage())
          if (Number.isFinite(row[field])) this.set({ scope: row.scope, resource: row.resource }, row[field])
      },
    })
  scopeGauge('held', 'Slots held; in `cluster` of each namespace no more than its share.')
  scopeGauge(
    'debt',
    'Containers that are starting without a slot: restarts, late starts, fail-opens; and starts and pulls of observed namespaces.',
  )
  scopeGauge('limit', 'Slots there are.')
  scopeGauge('waiting', 'Slots asked for and not yet given.')
  const queueGauge = (name: string, help: string, value: (row: QueueLength) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['resource', 'namespace', 'reason'],
      registers,
      collect() {
        this.reset()
        for (const row of read.queueLengths())
          this.set({ resource: row.resource, namespace: row.namespace, reason: row.cause }, value(row))
      },
    })
  queueGauge('startgate_waiting_gates', 'Gates that wait, by what they lack.', ({ gates }) => gates)
  queueGauge(
    'startgate_longest_wait_seconds',
    'How long the longest of them has waited for this leader.',
    ({ longestMs }) => longestMs / 1000,
  )
  new Gauge({
    name: 'startgate_node_pressure_percent',
    help: 'Pressure on a node, as its gates have told lately; only with a maxPressure.',
    labelNames: ['node', 'resource'],
    registers,
    collect() {
      this.reset()
      for (const [node, pressure] of read.pressures())
        for (const [resource, percent] of Object.entries(pressure)) this.set({ node, resource }, percent)
    },
  })
  new Gauge({
    name: 'startgate_bad_annotations',
    help: "Annotations of a namespace or node that cannot be read (the last good values stay in force) or need the chart's permission.",
    labelNames: ['kind', 'name'],
    registers,
    collect() {
      this.reset()
      for (const { kind, name, count } of read.badAnnotations()) this.set({ kind, name }, count)
    },
  })
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
  }
}
