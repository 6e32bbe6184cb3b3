import type { State } from '../../../core/state-api.ts'
import type { ContainerPhase, SequencedPod, WaitingGate } from '../../../core/state-rows.ts'

/** How long a container was in a phase; without `toMs`: still is. */
export interface PhaseSpan {
  phase: ContainerPhase
  fromMs: number
  toMs?: number
}

/** `to` waits, or waited, for `from`. */
export interface Edge {
  from: string
  to: string
  condition: string
  /** It does not wait any more. */
  isMet: boolean
}

/** What the page has seen of a pod with an order among its containers. */
export interface PodRecord {
  pod: SequencedPod
  spans: ReadonlyMap<string, readonly PhaseSpan[]>
  edges: readonly Edge[]
  /** When it was last told of; absent while it is. */
  goneAtMs?: number
}

/** By the id of the pod. */
export type PhaseLog = ReadonlyMap<string, PodRecord>

/** Of one container: one that crashes for ever has ever more. */
export const MOST_SPANS = 24
/** Pods that have started, or are gone, whose record is kept. */
export const MOST_GONE = 50

/** The log after a state. Records of pods of which nothing changed stay the same objects. */
export function phasesAfter(log: PhaseLog, { pods, waiting, atMs }: State): PhaseLog {
  const told = new Map(pods.items.map(pod => [pod.id, pod]))
  const gone = [...log].filter(([id]) => !told.has(id))
  const sinceOf = pendingSince(waiting.items)
  const next = new Map<string, PodRecord>()
  for (const [id, record] of gone.slice(-MOST_GONE)) next.set(id, record.goneAtMs ? record : ended(record, atMs))
  for (const [id, pod] of told) {
    const former = log.get(id)
    next.set(id, former?.pod === pod && former.goneAtMs === undefined ? former : seen(former, pod, { atMs, sinceOf }))
  }
  return next
}

interface Moment {
  atMs: number
  sinceOf: (pod: SequencedPod, gate: string) => number | undefined
}

function pendingSince(gates: readonly WaitingGate[]): Moment['sinceOf'] {
  const since = new Map(gates.map(({ podUid, gate, sinceMs }) => [`${podUid} ${gate}`, sinceMs]))
  return ({ podUid }, gate) => since.get(`${podUid} ${gate}`)
}

/** A pod that is told of no more has started, or is gone: its last phases ended then. */
function ended(record: PodRecord, atMs: number): PodRecord {
  return { ...record, goneAtMs: atMs }
}

function seen(former: PodRecord | undefined, pod: SequencedPod, moment: Moment): PodRecord {
  const spans = new Map<string, readonly PhaseSpan[]>()
  for (const container of pod.containers) {
    const before = former?.spans.get(container.name) ?? []
    const last = before.at(-1)
    if (last && last.phase === container.phase) {
      spans.set(container.name, before)
      continue
    }
    const started = ['starting', 'ready'].includes(container.phase) ? container.startedAtMs : undefined
    const known = container.phase === 'pending' ? moment.sinceOf(pod, container.gate) : started
    const fromMs = last ? moment.atMs : Math.min(known ?? moment.atMs, moment.atMs)
    const closed = last ? [...before.slice(0, -1), { ...last, toMs: moment.atMs }] : []
    spans.set(container.name, [...closed, { phase: container.phase, fromMs }].slice(-MOST_SPANS))
  }
  return { pod, spans, edges: edgesAfter(former?.edges ?? [], pod) }
}

/** Who waits for whom now, and who did: the leader tells only what does not hold yet. */
function edgesAfter(before: readonly Edge[], { containers }: SequencedPod): readonly Edge[] {
  const names = new Set(containers.map(({ name }) => name))
  const edges = new Map<string, Edge>()
  for (const edge of before)
    if (names.has(edge.from) && names.has(edge.to)) edges.set(`${edge.from} ${edge.to}`, { ...edge, isMet: true })
  for (const { name, waitsFor } of containers)
    for (const { container, condition } of waitsFor)
      edges.set(`${container} ${name}`, { from: container, to: name, condition, isMet: false })
  return [...edges.values()]
}
