import type { State } from '../../../core/state-api.ts'
import type { ContainerPhase, SequencedContainer } from '../../../core/state-rows.ts'
import { type LineRow, lineRow } from './line.ts'
import type { Edge, PhaseLog, PodRecord } from './phase-log.ts'
import { type Lane, lanesOfContainers, lanesOfGates, type PodName } from './timeline.ts'
import { count, PHASE_WORDS, theirs } from './words.ts'

/** A pod with what is known of it. */
export interface PodView {
  /** What it does now, in a sentence. */
  says: string
  node?: string
  /** Its agent is not connected. */
  isWithoutAgent: boolean
  /** Gates of it that wait. */
  waiting: LineRow[]
  containers: ContainerRow[]
  edges: readonly Edge[]
  lanes: Lane[]
}

export interface ContainerRow {
  name: string
  phase: ContainerPhase
  words: string
  /** `db (ready), cache (started)`, or nothing. */
  waitsFor: string
  blocks: string
  /** Restarts, exit code, STATUS=, those that there are. */
  notes: string
}

/** Undefined when nothing is known of such a pod: it has started, was never gated, or does not exist. */
export function podOf(state: State, log: PhaseLog, { namespace, pod }: PodName, nowMs: number): PodView | undefined {
  const isIt = (row: PodName): boolean => row.namespace === namespace && row.pod === pod
  const record = [...log.values()].findLast(each => isIt(each.pod))
  const gates = state.waiting.items.filter(isIt)
  const gateLanes = lanesOfGates(state, isIt)
  if (!record && gates.length === 0 && gateLanes.length === 0) return undefined
  const node = record?.pod.node ?? gates[0]?.node ?? state.recent.grants.items.findLast(isIt)?.node
  const containers = record ? record.pod.containers.map(row => containerRow(row, record)) : []
  return {
    says: sentence(record, gates.length, gateLanes),
    ...(node ? { node } : {}),
    isWithoutAgent: record !== undefined && record.goneAtMs === undefined && !record.pod.agent,
    waiting: gates.map(row => lineRow(row, nowMs)),
    containers,
    edges: record?.edges ?? [],
    lanes: record ? lanesOfContainers(record) : gateLanes,
  }
}

function containerRow(row: SequencedContainer, { goneAtMs }: PodRecord): ContainerRow {
  const { name, phase, waitsFor, blocks, restartCount, exitCode, status } = row
  const isOver = goneAtMs !== undefined
  const notes = [
    ...(restartCount > 0 ? [count(restartCount, 'restart')] : []),
    ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
    ...(status ? [theirs(status)] : []),
  ]
  return {
    ...{
      name,
      phase,
      words: isOver && phase !== 'ready' ? `${PHASE_WORDS[phase]} when last seen` : PHASE_WORDS[phase],
    },
    waitsFor: isOver ? '' : waitsFor.map(({ container, condition }) => `${container} (${condition})`).join(', '),
    blocks: isOver ? '' : blocks.join(', '),
    notes: notes.join(', '),
  }
}

function sentence(record: PodRecord | undefined, gates: number, lanes: readonly Lane[]): string {
  if (!record) {
    if (gates > 0) return gates === 1 ? 'A gate of this pod waits.' : `${gates} gates of this pod wait.`
    const isOpen = lanes.some(lane => lane.spans.some(span => span.toMs === undefined))
    return isOpen ? 'It has its slots and is starting.' : 'It is past starting.'
  }
  if (record.goneAtMs !== undefined) return 'All of its containers are past starting, or the pod is gone.'
  const rows = record.pod.containers
  const ready = rows.filter(({ phase }) => phase === 'ready').length
  const culprits = rows.filter(row => row.blocks.length > 0 && row.waitsFor.length === 0 && row.phase !== 'ready')
  const names = culprits.map(({ name, phase }) => `${name} (${PHASE_WORDS[phase]})`).join(', ')
  return `${ready} of ${rows.length} containers are ready.${names ? ` The others wait for ${names}.` : ''}`
}

/** A row of the list of pods to choose from. */
export interface PodChoice extends PodName {
  id: string
  what: string
  phases: ContainerPhase[]
}

const MOST_CHOICES = 1_000

/** Pods that are starting in order, then those that wait, then those that the page saw before. */
export function podChoices(state: State, log: PhaseLog, filter: string): PodChoice[] {
  const part = filter.trim().toLowerCase()
  const choices = new Map<string, PodChoice>()
  const add = (choice: PodChoice): void => {
    const key = `${choice.namespace}/${choice.pod}`
    if (key.includes(part) && !choices.has(key) && choices.size < MOST_CHOICES) choices.set(key, choice)
  }
  for (const { id, namespace, pod, containers } of state.pods.items) {
    const ready = containers.filter(({ phase }) => phase === 'ready').length
    add({ id, namespace, pod, what: `${ready} of ${containers.length} ready`, phases: containers.map(c => c.phase) })
  }
  for (const { podUid, namespace, pod, reason } of state.waiting.items)
    add({ id: podUid, namespace, pod, what: theirs(reason), phases: [] })
  for (const [id, { pod, goneAtMs }] of [...log].reverse())
    if (goneAtMs !== undefined)
      add({ id, namespace: pod.namespace, pod: pod.pod, what: 'past starting, or gone', phases: [] })
  return [...choices.values()]
}
