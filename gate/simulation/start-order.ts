import type { Dependency, Stage } from '../../core/sequence.ts'
import type { PodRuntime } from './pod-runtime.ts'
import type { SandboxGates } from './sandbox-gates.ts'

/** A container starts this long, at most, after the word to its gate. */
export const MAX_OPENING_MS = 5_000

const NEVER = Number.POSITIVE_INFINITY

/** Test support. Whether a condition is truly met, once at least, in this sandbox. */
export function holds({ truth, sequence, world }: PodRuntime, { container, condition }: Dependency): boolean {
  const { runningSinceMs, isCompleted, isReady } = truth.get(container) ?? {}
  if (condition === 'started') return runningSinceMs !== undefined
  if (condition === 'completed') return isCompleted === true
  // Nobody but a status tells that it crashed within its settle time, and that may come late.
  if (sequence?.readiness[container]?.type === 'simple')
    return (runningSinceMs ?? NEVER) + world.settleMs <= world.time.nowMs
  return isReady === true
}

/** Test support. What a container that starts now comes after must truly be so, in this very sandbox. */
export function checkOrder(name: string, runtime: PodRuntime, gates: SandboxGates): void {
  const stage = runtime.sequence?.stages.find(s => s.containers.includes(name))
  for (const dependency of stage?.dependsOn ?? []) {
    if (!stage || holds(runtime, dependency) || isTakenForReady(runtime, gates, dependency, stage)) continue
    const { container, condition } = dependency
    runtime.world.violated(`OrderBroken: ${name} of ${runtime.uid} started before ${container} was ${condition}`)
  }
}

/** What nobody can tell any more, or not without the lease service, counts as ready after the start timeout. */
function isTakenForReady(
  { truth, world }: PodRuntime,
  { failedOpen }: SandboxGates,
  { container }: Dependency,
  { gate }: Stage,
): boolean {
  const { isUnsure, runningSinceMs = NEVER } = truth.get(container) ?? {}
  const isLate = runningSinceMs + world.startTimeoutMs <= world.time.nowMs + MAX_OPENING_MS
  return isLate && (isUnsure === true || failedOpen.has(gate))
}
