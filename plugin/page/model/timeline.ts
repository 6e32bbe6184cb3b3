import type { State } from '../../../core/state-api.ts'
import type { ContainerPhase, RecentGrant, RecentRelease } from '../../../core/state-rows.ts'
import type { PhaseSpan, PodRecord } from './phase-log.ts'

export interface PodName {
  namespace: string
  pod: string
}

/** One line of the picture: a container, or a gate of a plain pod. */
export interface Lane {
  name: string
  spans: readonly PhaseSpan[]
}

/** Each container with its phases, as far as the page has seen them. */
export function lanesOfContainers({ pod, spans, goneAtMs }: PodRecord): Lane[] {
  return pod.containers.map(({ name }) => {
    const own = spans.get(name) ?? []
    const last = own.at(-1)
    if (goneAtMs === undefined || !last || last.toMs !== undefined) return { name, spans: own }
    return { name, spans: [...own.slice(0, -1), { ...last, toMs: goneAtMs }] }
  })
}

/** Each gate of a pod: how long it waited, and how long its slots were held, by what is told of lately. */
export function lanesOfGates(state: State, isIt: (row: PodName) => boolean): Lane[] {
  const { grants, releases } = state.recent
  const lanes = new Map<string, PhaseSpan[]>()
  const spansOf = (gate: string): PhaseSpan[] => {
    const known = lanes.get(gate) ?? []
    lanes.set(gate, known)
    return known
  }
  for (const grant of grants.items.filter(isIt)) spansOf(grant.gate).push(waitOf(grant), heldOf(grant, releases.items))
  for (const gate of state.waiting.items.filter(isIt))
    spansOf(gate.gate).push({ phase: 'pending', fromMs: gate.sinceMs })
  return [...lanes].map(([name, spans]) => ({ name, spans }))
}

function waitOf({ atMs, waitedMs }: RecentGrant): PhaseSpan {
  return { phase: 'pending', fromMs: atMs - waitedMs, toMs: atMs }
}

function heldOf(grant: RecentGrant, releases: readonly RecentRelease[]): PhaseSpan {
  const { namespace, pod, gate, atMs, resource, slots } = grant
  const end = releases.find(
    row => row.atMs >= atMs && row.pod === pod && row.namespace === namespace && row.gate === gate,
  )
  const phase: ContainerPhase = resource === 'pull' ? 'pulling' : 'starting'
  if (slots === 0) return { phase, fromMs: atMs, toMs: atMs }
  return { phase, fromMs: atMs, ...(end && { toMs: end.atMs }) }
}

export interface Drawn {
  name: string
  bars: { phase: ContainerPhase; fromMs: number; toMs?: number; left: number; width: number }[]
}

export interface Timeline {
  fromMs: number
  toMs: number
  lanes: Drawn[]
  /** Where the axis has marks: how far, and how long after the beginning. */
  marks: { left: number; afterMs: number }[]
}

const STEPS_S = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400]
const MOST_MARKS = 6
/** Further right its words have no room. In percent. */
const LAST_MARK = 94
/** A bar that lasted for less can be seen all the same. In percent. */
const LEAST_WIDTH = 0.4

/** Places in percent of the whole. Undefined where nothing was seen. */
export function timelineOf(lanes: readonly Lane[], nowMs: number): Timeline | undefined {
  const all = lanes.flatMap(({ spans }) => spans)
  if (all.length === 0) return undefined
  const fromMs = all.reduce((least, span) => Math.min(least, span.fromMs), Number.POSITIVE_INFINITY)
  const endMs = all.reduce((most, span) => Math.max(most, span.toMs ?? nowMs), fromMs)
  const toMs = Math.max(endMs, fromMs + 1_000)
  const percent = (ms: number): number => ((ms - fromMs) / (toMs - fromMs)) * 100
  const stepS = STEPS_S.find(step => (toMs - fromMs) / 1000 / step <= MOST_MARKS) ?? 86_400
  const marks = Array.from({ length: Math.min(100, Math.floor((toMs - fromMs) / 1000 / stepS) + 1) }, (_, i) => ({
    left: percent(fromMs + i * stepS * 1000),
    afterMs: i * stepS * 1000,
  })).filter(({ left }) => left < LAST_MARK)
  return {
    ...{ fromMs, toMs, marks },
    lanes: lanes.map(({ name, spans }) => ({
      name,
      bars: spans.map(span => ({
        ...span,
        left: percent(span.fromMs),
        width: Math.max(LEAST_WIDTH, percent(Math.max(span.toMs ?? toMs, span.fromMs)) - percent(span.fromMs)),
      })),
    })),
  }
}
