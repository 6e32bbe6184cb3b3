import { unusable } from '../model/failure.ts'
import { neverReady, type ReadyFigures, readyFigures } from './figures.ts'
import type { Herd, HerdWorkload } from './herd.ts'
import type { Bottleneck, PlanLimit, PlanRun, PlanWorld } from './model.ts'
import { withOneMore } from './one-more.ts'
import { runHerd, type Sight } from './run-herd.ts'

/** Of a plan by the first ones of each line. */
const ROUGH =
  'So large a herd is planned by the first pods of each namespace alone: which namespace goes first may differ.'

/** What a plan says. Times are in ms from when the pods are created. */
export interface Plan {
  nodes: number
  /** Of the gated pods. */
  pods: number
  containers: number
  /** Absent when none is ever ready. */
  ready?: ReadyFigures
  /** Gated pods that a limit of 0 holds back for ever. */
  neverReady: number
  mostStarting: number
  /** Time in which any pod waited for a slot. */
  waitingMs: number
  /** Each limit with the part of that time in which it held back more pods than any other, from 0 to 1. */
  bottlenecks: (PlanLimit & { part: number })[]
  oneMore?: OneMore
  oversize: number
  timedOut: number
  workloads: (HerdWorkload & { ready?: ReadyFigures })[]
  notes: string[]
}

/** The same with one more slot of the first bottleneck. */
export interface OneMore {
  limit: PlanLimit
  ready: ReadyFigures
  /** The last is ready so much earlier; below 0: later. */
  soonerMs: number
}

/** Plans a herd. Throws Failure for one that is too large for its limits. */
export function planOf(herd: Herd, world: PlanWorld, notes: readonly string[]): Plan {
  const exact = runHerd(world)
  const run = exact ?? runHerd(world, { sight: 'firsts' })
  if (!run)
    throw unusable(
      'this herd would take too long to plan, with so many pods in so many namespaces on so many nodes; use fewer files, fewer replicas or fewer nodes',
    )
  const ready = readyFigures(run.readyAtMs)
  const oneMore = oneMoreOf(run, world, exact ? 'all' : 'firsts')
  return {
    nodes: world.facts.nodes.size,
    pods: world.pods.length,
    containers: world.pods.reduce((sum, { stages }) => sum + stages.reduce((n, s) => n + s.containers.length, 0), 0),
    ...(ready && { ready }),
    neverReady: neverReady(run),
    mostStarting: run.mostStarting,
    waitingMs: run.waitingMs,
    bottlenecks: run.bottlenecks.map(limit => withPart(limit, run.waitingMs)),
    ...(oneMore && { oneMore }),
    oversize: run.oversize,
    timedOut: run.timedOut,
    workloads: herd.workloads.map((workload, at) => ({ ...workload, ...readyOf(at, run, world) })),
    notes: exact ? [...notes] : [...notes, ROUGH],
  }
}

function withPart({ ms, ...limit }: Bottleneck, waitingMs: number): PlanLimit & { part: number } {
  return { ...limit, part: waitingMs > 0 ? ms / waitingMs : 0 }
}

function readyOf(workload: number, { readyAtMs }: PlanRun, { pods }: PlanWorld): { ready?: ReadyFigures } {
  const ready = readyFigures(readyAtMs.filter((_, at) => pods[at]?.workload === workload))
  return ready ? { ready } : {}
}

function oneMoreOf(run: PlanRun, world: PlanWorld, sight: Sight): OneMore | undefined {
  const [first] = run.bottlenecks
  const before = readyFigures(run.readyAtMs)
  if (!first || first.limit === 0 || !before) return undefined
  const more = withOneMore(world, first)
  const ready = readyFigures(runHerd(more.world, { ...more, sight })?.readyAtMs ?? [])
  if (!ready) return undefined
  const { ms: _, ...limit } = first
  return { limit, ready, soonerMs: before.lastMs - ready.lastMs }
}
