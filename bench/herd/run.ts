import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../e2e/cluster/step-cache.ts'
import { untilAsked } from '../../e2e/harness/install.ts'
import type { Session } from '../../e2e/harness/session.ts'
import { TestNamespace } from '../../e2e/harness/test-namespace.ts'
import { Observer } from '../../e2e/observer/observer.ts'
import { podPhase } from '../../e2e/observer/pod-phase.ts'
import { machineCpuSeconds } from '../cpu-time.ts'
import type { LimitStep } from './busy-slots.ts'
import { figuresOf } from './figures.ts'
import { herds } from './herds.ts'
import { watchLimits } from './node-limits.ts'
import type { PlannedRun, Variant } from './options.ts'
import type { Run } from './summary.ts'
import { jvmApps } from './workloads.ts'

/** What the end of the run before leaves behind: pods that end, and the kubelet's housekeeping. */
const COOL_DOWN_MS = 10_000
/** Longer than any start takes, so that a slot means a start that goes on. The chart's `maxStartTimeout`. */
const START_TIMEOUT = { text: '10m', ms: 600_000 }

export interface Stage {
  session: Session
  jvmImage: string
  log: Log
  signal: AbortSignal
}

/** Namespace annotations of a gated variant. */
const settingsOf = (variant: Variant): Record<string, string> => ({
  'max-starting-per-node': variant,
  'start-timeout': START_TIMEOUT.text,
})

/** A limit that is written counts from the beginning; none for what is not gated. */
const staticSteps = (variant: Variant, workers: readonly string[]): LimitStep[] =>
  Number.isInteger(Number(variant)) ? workers.map(node => ({ node, atMs: 0, limit: Number(variant) })) : []

/**
 * Applies the herd to a namespace of its own, watches it until all are ready or its time is over, and takes it away.
 */
export async function runHerd(stage: Stage, planned: PlannedRun): Promise<Run> {
  const { session, signal } = stage
  const { letter, variant } = planned
  const isGated = variant !== 'ungated' && variant !== 'lone'
  await sleep(COOL_DOWN_MS, undefined, { signal })
  if (isGated) await untilAsked(session.kubectl)
  const options = isGated ? { gated: true, settings: settingsOf(variant) } : {}
  const namespace = await TestNamespace.create(session.kubectl, `herd-${letter}`, options)
  const observer = await Observer.start(session.cluster.kubeconfig)
  const tell = (trouble: string) => stage.log(`limits: ${trouble}`)
  const limits = variant === 'auto' ? await watchLimits(session.cluster.kubeconfig, namespace.name, tell) : undefined
  try {
    const steps = limits?.steps ?? staticSteps(variant, session.workers)
    return await measured(stage, planned, { namespace, observer, steps })
  } finally {
    await limits?.stop()
    await observer.stop()
    await namespace.remove()
  }
}

interface Watched {
  namespace: TestNamespace
  observer: Observer
  steps: LimitStep[]
}

async function measured(stage: Stage, planned: PlannedRun, watched: Watched): Promise<Run> {
  const { namespace, observer, steps } = watched
  const { letter, round, variant } = planned
  const { workers } = stage.session
  const isLone = variant === 'lone'
  const pods = isLone ? 1 : herds[letter].pods
  const objects = isLone
    ? [jvmApps({ name: 'lone', node: workers[0] ?? '', pods }, stage.jvmImage)]
    : herds[letter].objects(workers, stage.jvmImage)
  const [beganCpu, beganMs] = [machineCpuSeconds(), Date.now()]
  await namespace.apply(objects)
  await untilReady(stage, planned, { observer, namespace: namespace.name, pods, beganMs })
  const [endedCpu, endedMs] = [machineCpuSeconds(), Date.now()]
  const figures = figuresOf({
    events: observer.events(),
    namespace: namespace.name,
    pods,
    beganMs,
    endedMs,
    cpuSeconds: Math.round(100 * (endedCpu - beganCpu)) / 100,
    startTimeoutMs: START_TIMEOUT.ms,
    limits: steps,
  })
  return { variant, round, pods, tookMs: endedMs - beganMs, ...figures }
}

interface Waited {
  observer: Observer
  namespace: string
  pods: number
  beganMs: number
}

/** Returns when all are ready or the herd's time is over. Says meanwhile how far it is. */
async function untilReady(
  { log, signal }: Stage,
  { letter, variant, round }: PlannedRun,
  waited: Waited,
): Promise<void> {
  const { observer, namespace, pods, beganMs } = waited
  const tell = log.rewrite ?? (() => undefined)
  for (;;) {
    signal.throwIfAborted()
    const nowMs = Date.now()
    const ready = observer.pods(namespace).filter(pod => podPhase(pod, nowMs).phase === 'ready').length
    const seconds = Math.round((nowMs - beganMs) / 1_000)
    tell(`(${letter}) round ${round}, ${variant}: ${ready} of ${pods} ready after ${seconds} s`)
    if (ready === pods || nowMs - beganMs > herds[letter].longestMs) return
    await observer.nextEvent(1_000)
    // Events come in bursts, and each look costs what the herd could use.
    await sleep(250)
  }
}
