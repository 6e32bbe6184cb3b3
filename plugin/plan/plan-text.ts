import { type Paint, printable } from '../output/paint.ts'
import { span } from '../output/span.ts'
import { table } from '../output/table.ts'
import type { PlanLimit } from './model.ts'
import { NOT_KNOWN } from './notes.ts'
import type { Plan } from './plan.ts'
import type { TimeSource } from './start-times.ts'

/** Rows of a table at most. */
const ROWS = 20

/** A plan for people. */
export function planText(plan: Plan, paint: Paint): string {
  const parts = [summary(plan, paint), workloadsText(plan), limitsText(plan), oneMoreText(plan), noteText(plan, paint)]
  return parts.filter(part => part !== '').join('\n')
}

function summary({ pods, containers, nodes, ready, ...plan }: Plan, paint: Paint): string {
  const herd = `${many(pods, 'pod')} with ${many(containers, 'container')} on ${many(nodes, 'node')}, created at one time`
  const lines = [pods === 0 ? 'No pod of these files is gated.' : paint('bold', herd)]
  if (ready)
    lines.push(
      `ready: the first after ${span(ready.firstMs)}, half of them after ${span(ready.medianMs)}, the last after ${span(ready.lastMs)}`,
      `starting at one time: ${many(plan.mostStarting, 'container')} at most`,
    )
  if (plan.neverReady > 0) lines.push(paint('red', `${many(plan.neverReady, 'pod')} never: a limit of 0 holds back`))
  if (plan.oversize > 0)
    lines.push(`${many(plan.oversize, 'pod')} with more containers than a limit, each alone in its place`)
  if (plan.timedOut > 0) lines.push(`${many(plan.timedOut, 'pod')} not ready within the start timeout`)
  return `${lines.join('\n')}\n`
}

const SOURCES: Record<TimeSource, string> = {
  recorded: 'as recorded',
  given: '--start-seconds',
  settled: 'no probe: settle time',
  worst: 'at worst: start timeout',
}

function workloadsText({ workloads }: Plan): string {
  if (workloads.length === 0) return ''
  const latest = [...workloads].sort((a, b) => (b.ready?.lastMs ?? 0) - (a.ready?.lastMs ?? 0))
  const rows = latest
    .slice(0, ROWS)
    .map(({ kind, namespace, name, pods, outcome, startMs, source, ready }) => [
      printable(`${kind} ${namespace}/${name}`),
      `${pods}`,
      startMs === undefined ? '-' : span(startMs),
      source === undefined ? (outcome === 'denied' ? 'denied' : 'not gated') : SOURCES[source],
      ready ? span(ready.lastMs) : outcome === 'gated' && pods > 0 ? 'never' : '-',
    ])
  return (
    table(['WORKLOAD', 'PODS', 'STARTS IN', 'KNOWN FROM', 'ALL READY AFTER'], rows) + more(latest.length, 'workloads')
  )
}

function limitsText({ bottlenecks, pods }: Plan): string {
  if (bottlenecks.length === 0) return pods === 0 ? '' : 'No limit holds back any of them.\n'
  const rows = bottlenecks
    .slice(0, ROWS)
    .map(limit => [
      printable(limit.subject),
      limitText(limit),
      `${Math.round(limit.part * 100)} %`,
      printable(limit.source),
    ])
  return table(['BOTTLENECK', 'LIMIT', 'OF THE WAIT', 'WRITTEN IN'], rows) + more(bottlenecks.length, 'limits')
}

function limitText({ limit, windowMs }: PlanLimit): string {
  return windowMs === undefined ? `${limit}` : `${limit} in ${span(windowMs)}`
}

function oneMoreText({ oneMore }: Plan): string {
  if (!oneMore) return ''
  const { limit, ready, soonerMs } = oneMore
  const change = soonerMs === 0 ? 'no sooner' : `${span(Math.abs(soonerMs))} ${soonerMs > 0 ? 'sooner' : 'later'}`
  const where = `${printable(limit.subject)} (${limit.limit + 1} instead of ${limit.limit})`
  return `With one more slot in ${where}: the last after ${span(ready.lastMs)}, ${change}.\n`
}

function noteText({ notes, pods }: Plan, paint: Paint): string {
  const lines = [...notes.map(printable), ...(pods > 0 ? NOT_KNOWN.map(line => `Not known: ${line}`) : [])]
  return lines.map(line => `${paint('dim', line)}\n`).join('')
}

function more(total: number, what: string): string {
  return total > ROWS ? `… and ${total - ROWS} more ${what}; -o json tells all\n` : ''
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
