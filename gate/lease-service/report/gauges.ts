import { Gauge, type Registry } from 'prom-client'
import type { Pressure } from '../../../core/pressure.ts'
import type { ScopeUsage } from '../limits/slot-usage.ts'
import type { BadAnnotationRow } from './annotation-problems.ts'
import type { QueueLength } from './queue-length.ts'

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
  /** Start limits that nodes found by themselves, by node. */
  autoLimits: () => [nodeName: string, limit: number][]
  badAnnotations: () => BadAnnotationRow[]
  /** Whether there is such a namespace: of others nothing is counted any more. */
  hasNamespace: (name: string) => boolean
}

/** Gauges of one replica, read anew at each scrape. */
export function addGauges(read: MetricsView, registers: Registry[]): void {
  addPlain(read, registers)
  addSlots(read, registers)
  addQueues(read, registers)
  addFindings(read, registers)
}

function addPlain(read: MetricsView, registers: Registry[]): void {
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
}

function addSlots(read: MetricsView, registers: Registry[]): void {
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
}

function addQueues(read: MetricsView, registers: Registry[]): void {
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
}

/** What is found on nodes and namespaces. */
function addFindings(read: MetricsView, registers: Registry[]): void {
  new Gauge({
    name: 'startgate_node_pressure_percent',
    help: 'Pressure on a node, as its waiter or gates have told lately; only with a maxPressure.',
    labelNames: ['node', 'resource'],
    registers,
    collect() {
      this.reset()
      for (const [node, pressure] of read.pressures())
        for (const [resource, percent] of Object.entries(pressure)) this.set({ node, resource }, percent)
    },
  })
  new Gauge({
    name: 'startgate_auto_limit',
    help: 'Start limit that a node found by itself, where auto is written.',
    labelNames: ['node'],
    registers,
    collect() {
      this.reset()
      for (const [node, limit] of read.autoLimits()) this.set({ node }, limit)
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
}
