import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ReleaseReason, Resource } from './model.ts'

/** One row of the ledger's state for the gauges. */
export interface ScopeUsage {
  scope: string
  resource: Resource
  held: number
  limit: number
  waiting: number
}

export interface ServiceMetrics {
  registry: Registry
  granted(resource: Resource, waitedMs: number): void
  released(resource: Resource, reason: ReleaseReason): void
  failedOpen(gate: string): void
  refused(code: string): void
  leading(isLeader: boolean): void
}

const WAIT_BUCKETS_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]

/** Prometheus metrics of one replica; `usage` and `streams` are read at each scrape. */
export function createMetrics(read: { usage: () => ScopeUsage[]; streams: () => number }): ServiceMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const grants = new Counter({
    name: 'startgate_grants_total',
    help: 'Grants answered.',
    labelNames: ['resource'],
    registers,
  })
  const releases = new Counter({
    name: 'startgate_releases_total',
    help: 'Grants ended.',
    labelNames: ['resource', 'reason'],
    registers,
  })
  const failOpens = new Counter({
    name: 'startgate_fail_opens_total',
    help: 'Gates that let their pod go without a grant.',
    labelNames: ['gate'],
    registers,
  })
  const refusals = new Counter({
    name: 'startgate_refusals_total',
    help: 'Requests refused.',
    labelNames: ['code'],
    registers,
  })
  const leader = new Gauge({ name: 'startgate_leader', help: '1 on the replica that grants.', registers })
  const waits = new Histogram({
    name: 'startgate_wait_seconds',
    help: "From a gate's first request to its grant.",
    labelNames: ['resource'],
    buckets: WAIT_BUCKETS_SECONDS,
    registers,
  })
  new Gauge({
    name: 'startgate_streams',
    help: 'Gates connected.',
    registers,
    collect() {
      this.set(read.streams())
    },
  })
  const scopeGauge = (field: 'held' | 'limit' | 'waiting', help: string) =>
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
  scopeGauge('held', 'Slots held.')
  scopeGauge('limit', 'Slots there are.')
  scopeGauge('waiting', 'Slots asked for and not yet given.')
  return {
    registry,
    granted: (resource, waitedMs) => {
      grants.inc({ resource })
      waits.observe({ resource }, waitedMs / 1000)
    },
    released: (resource, reason) => releases.inc({ resource, reason }),
    failedOpen: gate => failOpens.inc({ gate }),
    refused: code => refusals.inc({ code }),
    leading: isLeader => leader.set(isLeader ? 1 : 0),
  }
}
