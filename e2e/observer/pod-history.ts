import { type ClusterEvent, inOrder, type PodEvent } from './cluster-events.ts'
import { type Phase, podPhase } from './pod-phase.ts'

/** A stretch of a pod's life; `toMs` is absent for the last. Times are when the event reached the observer. */
export interface PhaseSpan {
  phase: Phase
  waitsFor: string
  fromMs: number
  toMs?: number
}

/**
 * What each pod of a namespace went through, by pod name: when it was scheduled, which gate ran, pulled, started, was
 * ready.
 */
export function foldHistory(events: ClusterEvent[], namespace: string): Record<string, PhaseSpan[]> {
  const history: Record<string, PhaseSpan[]> = {}
  for (const event of inOrder(events)) {
    if (event.kind !== 'pod' || event.pod.metadata.namespace !== namespace) continue
    const { name } = event.pod.metadata
    history[name] = extended(history[name] ?? [], event)
  }
  return history
}

function extended(spans: PhaseSpan[], { type, pod, receivedAtMs }: PodEvent): PhaseSpan[] {
  const last = spans.at(-1)
  const { phase, waitsFor } = podPhase(pod, receivedAtMs)
  const gone = type === 'DELETED'
  if (!gone && last && last.toMs === undefined && last.phase === phase && last.waitsFor === waitsFor) return spans
  const before = last && last.toMs === undefined ? [...spans.slice(0, -1), { ...last, toMs: receivedAtMs }] : spans
  return gone ? before : [...before, { phase, waitsFor, fromMs: receivedAtMs }]
}

/** When each pod first was ready, ms, earliest first. */
export function readyTimes(history: Record<string, PhaseSpan[]>): number[] {
  return Object.values(history)
    .flatMap(spans => spans.find(s => s.phase === 'ready')?.fromMs ?? [])
    .sort((a, b) => a - b)
}
