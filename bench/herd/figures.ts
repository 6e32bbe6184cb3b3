import { type ClusterEvent, inOrder, type ObservedPod } from '../../e2e/observer/cluster-events.ts'
import { foldHistory, readyTimes } from '../../e2e/observer/pod-history.ts'
import { podPhase } from '../../e2e/observer/pod-phase.ts'
import { foldStarting } from '../../e2e/observer/starting-fold.ts'
import { quantile } from '../quantiles.ts'
import { type LimitStep, type OnNode, slotUse } from './busy-slots.ts'

const START_GATE = 'startgate-start'

export interface RunFigures {
  /** Of the herd, ready at the end. */
  ready: number
  /** Ms from apply until each pod was first ready, the earliest first. */
  readyMs: number[]
  firstMs?: number
  /** This one and the next two only when that part of the herd became ready. */
  medianMs?: number
  p95Ms?: number
  lastMs?: number
  restarts: number
  /** CPU time of the whole machine, from apply to the end. */
  cpuSeconds: number
  /** Part of the usable slots in which something started while a line waited; absent where no line waited. */
  slotsBusy?: number
}

export interface Seen {
  events: ClusterEvent[]
  namespace: string
  pods: number
  beganMs: number
  endedMs: number
  cpuSeconds: number
  startTimeoutMs: number
  limits: readonly LimitStep[]
}

/** What one run came to, by the observer's watch. */
export function figuresOf(seen: Seen): RunFigures {
  const { events, namespace, pods, beganMs, endedMs, cpuSeconds } = seen
  const readyMs = readyTimes(foldHistory(events, namespace)).map(atMs => atMs - beganMs)
  const last = lastSeen(events, namespace)
  const share = busyShare(seen)
  return {
    ready: last.filter(pod => podPhase(pod, endedMs).phase === 'ready').length,
    readyMs,
    ...whenPart(readyMs, pods),
    restarts: last.flatMap(pod => pod.status?.containerStatuses ?? []).reduce((sum, s) => sum + s.restartCount, 0),
    cpuSeconds,
    ...(share !== undefined && { slotsBusy: Math.round(1_000 * share) / 1_000 }),
  }
}

/** The times at which a part of all pods, not only of those that came so far, was ready. */
function whenPart(readyMs: readonly number[], pods: number): Partial<RunFigures> {
  const all = [...readyMs, ...Array<number>(Math.max(0, pods - readyMs.length)).fill(Number.POSITIVE_INFINITY)]
  const parts = { firstMs: 0, medianMs: 0.5, p95Ms: 0.95, lastMs: 1 }
  const entries = Object.entries(parts).map(([name, part]) => [name, quantile(all, part)] as const)
  return Object.fromEntries(entries.filter(([, ms]) => Number.isFinite(ms)))
}

/** Each pod of the namespace as it was last seen. */
function lastSeen(events: ClusterEvent[], namespace: string): ObservedPod[] {
  const pods = new Map<string, ObservedPod>()
  for (const event of inOrder(events)) {
    if (event.kind !== 'pod' || event.pod.metadata.namespace !== namespace) continue
    if (event.type === 'DELETED') pods.delete(event.pod.metadata.uid)
    else pods.set(event.pod.metadata.uid, event.pod)
  }
  return [...pods.values()]
}

function busyShare({ events, namespace, endedMs, startTimeoutMs, limits }: Seen): number | undefined {
  const counts = (pod: ObservedPod) => pod.metadata.namespace === namespace
  const { spans } = foldStarting(events, { counts, startTimeoutMs, untilMs: endedMs })
  const starts = spans.map(({ node, fromMs, toMs }) => ({ node, fromMs, toMs: toMs ?? endedMs }))
  const { busyMs, usableMs } = slotUse(starts, gateWaits(events, namespace, endedMs), limits)
  return usableMs > 0 ? busyMs / usableMs : undefined
}

/** From when to when the start gate of each pod was seen running. */
export function gateWaits(events: ClusterEvent[], namespace: string, endedMs: number): OnNode[] {
  const open = new Map<string, OnNode>()
  const waits: OnNode[] = []
  for (const event of inOrder(events)) {
    if (event.kind !== 'pod' || event.pod.metadata.namespace !== namespace) continue
    const { metadata, spec, status } = event.pod
    const gate = status?.initContainerStatuses?.find(s => s.name === START_GATE)
    const isWaiting = event.type !== 'DELETED' && gate?.state?.running !== undefined
    const wait = open.get(metadata.uid)
    if (isWaiting && !wait) {
      const begun = { node: spec.nodeName ?? '', fromMs: event.receivedAtMs, toMs: endedMs }
      open.set(metadata.uid, begun)
      waits.push(begun)
    } else if (!isWaiting && wait) {
      wait.toMs = event.receivedAtMs
      open.delete(metadata.uid)
    }
  }
  return waits
}
