import { earliest } from '../../../core/earliest.ts'
import type { Pod } from '../../../core/pod.ts'
import { isReportedByAgent, type Readiness } from '../../../core/readiness.ts'
import type { Grant, ReleaseReason } from '../model/grant.ts'
import type { Report } from './agent-reports.ts'
import { type GateEnd, gateEndOf, isPastStarting, type Run, runOf, statusOf } from './container-status.ts'
import { containerOf } from './pod-sequence.ts'
import { isStale } from './stale-ids.ts'
import { isFinished } from './ticket-from-pod.ts'

/** What this process remembers of a grant beside the pod's latest status. Times are monotonic ms. */
export interface Seen {
  /** When this process first saw the grant. */
  grantedAtMs: number
  /** Whether a status showed that the grant's gate has let the pod go. */
  gateEnded: boolean
  /** The run that each container was first seen in, and when. */
  runs: ReadonlyMap<string, { id: string; sinceMs: number }>
  /** Who has given its slot back, and why. Never taken back: what happens to a container later needs no grant. */
  ended: ReadonlyMap<string, ReleaseReason>
}

export interface PhaseFacts {
  /** undefined: not shown by the watch yet. */
  pod: Pod | undefined
  seen: Seen
  /** The node is gone, or its kubelet has not been heard of. */
  nodeLost: boolean
  settleMs: number
  /** Of a sequenced pod, by container. */
  readiness?: Readonly<Record<string, Readiness>> | undefined
  /** What the agent says in the grant's own run, by container. */
  reports?: ReadonlyMap<string, Report> | undefined
  /** No start takes longer, whoever asks for more time. */
  maxStartTimeoutMs?: number
}

export interface Holding {
  /** Who holds a slot. A pull holds one slot, under the name of the grant. */
  holders: string[]
  seen: Seen
  /** When the clock alone may end a hold; undefined when nobody holds. */
  changesAtMs: number | undefined
}

export function nothingSeen(nowMs: number): Seen {
  return { grantedAtMs: nowMs, gateEnded: false, runs: new Map(), ended: new Map() }
}

/** What one observation says of one slot; `run` is the ID of the container that runs under it. */
type Verdict = { ended: ReleaseReason } | { ended: undefined; changesAtMs: number; run?: string }

interface Observation {
  grant: Grant
  facts: PhaseFacts
  nowMs: number
}

/** Waiting reasons under which the kubelet neither pulls nor starts now. It tries again without asking. */
const BACK_OFF: ReadonlySet<string> = new Set([
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
])

/**
 * Folds one more observation of a pod into what is known of a grant. A slot is held until it is *seen* to be free: the
 * container past starting, ended or in back-off, in a status that also shows the end of this very grant's gate; or
 * until the timeout, which runs from the grant, and again from when the container is first seen running. Where the
 * agent reports the readiness, its report takes the place of the probes, and it may ask for more time.
 */
export function holdersOf(grant: Grant, facts: PhaseFacts, nowMs: number): Holding {
  const gate = facts.pod && gateEndOf(grant, facts.pod)
  const runs = new Map(facts.seen.runs)
  const ended = new Map(facts.seen.ended)
  const holders: string[] = []
  let changesAtMs: number | undefined
  for (const name of grant.resource === 'pull' ? [grant.key] : grant.containers) {
    if (ended.has(name)) continue
    const verdict = verdictOf(name, { grant, facts, nowMs }, gate)
    if (verdict.ended) {
      ended.set(name, verdict.ended)
      continue
    }
    holders.push(name)
    if (verdict.run && !runs.has(name)) runs.set(name, { id: verdict.run, sinceMs: nowMs })
    changesAtMs = earliest(changesAtMs, verdict.changesAtMs)
  }
  const gateEnded = facts.seen.gateEnded || gate !== undefined
  return { holders, changesAtMs, seen: { grantedAtMs: facts.seen.grantedAtMs, gateEnded, runs, ended } }
}

/** Why a grant as a whole has ended: the first container that came to no good end tells, else any. */
export function releaseReasonOf(seen: Seen): ReleaseReason {
  const reasons = [...seen.ended.values()]
  return reasons.find(r => r !== 'Ready' && r !== 'Pulled') ?? reasons[0] ?? 'PodGone'
}

function verdictOf(name: string, observed: Observation, gate: GateEnd | undefined): Verdict {
  const { pod, nodeLost } = observed.facts
  if (nodeLost) return { ended: 'NodeLost' }
  if (pod && isFinished(pod)) return { ended: 'PodFinished' }
  const verdict = shownVerdict(name, observed, gate)
  // What is being deleted starts nothing more; what runs already holds on until it ends.
  if (pod?.metadata.deletionTimestamp && !verdict.ended && !verdict.run) return { ended: 'PodGone' }
  return verdict
}

function shownVerdict(name: string, observed: Observation, gate: GateEnd | undefined): Verdict {
  const { pod, readiness } = observed.facts
  const kind = readiness?.[name]
  const told = kind && isReportedByAgent(kind) ? reportOf(name, observed) : undefined
  if (told?.state === 'ready') return { ended: 'Ready' }
  if (told?.state === 'failed') return { ended: 'Failed' }
  if (!pod || !gate) return heldUntilTimeout(name, observed)
  return observed.grant.resource === 'pull'
    ? pullVerdict(pod, observed, gate)
    : startVerdict(name, { ...observed, pod }, gate)
}

/** The agent's latest word on a container, unless it speaks of a run from before the grant. */
function reportOf(name: string, { grant, facts }: Observation): Report | undefined {
  const report = facts.reports?.get(name)
  return report?.containerId && isStale(grant, report.containerId) ? undefined : report
}

function heldUntilTimeout(name: string, observed: Observation, run?: string): Verdict {
  const { grant, facts, nowMs } = observed
  const sinceMs = facts.seen.runs.get(name)?.sinceMs ?? (run ? nowMs : facts.seen.grantedAtMs)
  const extendedToMs = reportOf(name, observed)?.extendedToMs ?? 0
  const latestMs = sinceMs + (facts.maxStartTimeoutMs ?? 0)
  const changesAtMs = Math.max(sinceMs + grant.timeoutMs, Math.min(extendedToMs, latestMs))
  if (changesAtMs <= nowMs) return { ended: 'TimedOut' }
  return { ended: undefined, changesAtMs, ...(run && { run }) }
}

function startVerdict(name: string, observed: Observation & { pod: Pod }, gate: GateEnd): Verdict {
  const { pod, grant, facts, nowMs } = observed
  const status = statusOf(pod, name)
  const run = runOf(status, grant, gate)
  const readiness = facts.readiness?.[name]
  if (run.kind === 'ended') {
    const isDone = readiness?.type === 'completed' && run.exitCode === 0
    return { ended: isDone ? 'Ready' : endReason(run) }
  }
  if (run.kind === 'waiting') return BACK_OFF.has(run.reason) ? { ended: 'BackOff' } : heldUntilTimeout(name, observed)
  const first = facts.seen.runs.get(name)
  if (first && first.id !== run.id) return { ended: 'Failed' }
  const isPast = isPastBy(readiness, () => isPastStarting(containerOf(pod, name), status))
  const settledAtMs = (first?.sinceMs ?? nowMs) + facts.settleMs
  if (isPast ?? settledAtMs <= nowMs) return { ended: 'Ready' }
  const held = heldUntilTimeout(name, observed, run.id)
  return isPast === undefined && !held.ended ? { ...held, changesAtMs: Math.min(held.changesAtMs, settledAtMs) } : held
}

/**
 * Whether a running container is past starting, but for its agent's word; undefined when only the settle time can tell.
 */
export function isPastBy(readiness: Readiness | undefined, byProbes: () => boolean | undefined): boolean | undefined {
  if (readiness?.type === 'simple') return undefined
  return readiness && isReportedByAgent(readiness) ? false : byProbes()
}

/**
 * Over when the last image step has started, or one failed. With pull policy Always the kubelet asks the registry once
 * more at the app's start, but a pod that waits for its start slot must not hold a pull slot meanwhile.
 */
function pullVerdict(pod: Pod, observed: Observation, gate: GateEnd): Verdict {
  const { grant } = observed
  const steps = grant.containers.map(name => runOf(statusOf(pod, name), grant, gate))
  const failed = steps.find(step => step.kind === 'ended' && step.exitCode !== 0)
  if (failed?.kind === 'ended') return { ended: endReason(failed) }
  if (steps.some(run => run.kind === 'waiting' && BACK_OFF.has(run.reason))) return { ended: 'BackOff' }
  const pending = steps.slice(-1).some(run => run.kind === 'waiting')
  return pending ? heldUntilTimeout(grant.key, observed) : { ended: 'Pulled' }
}

function endReason(run: Run & { kind: 'ended' }): ReleaseReason {
  if (run.reason === 'CrashLoopBackOff') return 'BackOff'
  return run.exitCode === 0 ? 'PodFinished' : 'Failed'
}
