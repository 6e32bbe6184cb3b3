import { isObject } from './is-object.ts'
import { AGENT, AGENT_ENV, type GateName, PULL_GATE, SEQUENCE_GATE_PREFIX, START_GATE } from './names.ts'
import type { Pod } from './pod.ts'
import { hasTooManyContainers } from './pod-size.ts'
import { asReadiness, type Readiness } from './readiness.ts'
import { shortenName } from './shorten-name.ts'

/**
 * What a container waits for in another one: `started` is running; `ready` as its Readiness says; `completed` is exit
 * code 0.
 */
export type Condition = 'started' | 'ready' | 'completed'

/** The kernel passes no longer string to a program, so an agent with a longer one could not have started. */
const MAX_SEQUENCE_LENGTH = 131_072

export const CONDITIONS: readonly Condition[] = ['started', 'ready', 'completed']

export interface Dependency {
  container: string
  condition: Condition
}

/** One gate and what starts when it opens. */
export interface Stage {
  gate: GateName
  containers: string[]
  /** All of it must hold before slots are asked for: whoever waits for a dependency holds no start slot. */
  dependsOn: Dependency[]
}

/**
 * The order in which the containers of one pod start. Stages are in the order of the pod: one a moved container, then
 * START_GATE for all the rest. `readiness` has every container of every stage.
 */
export interface Sequence {
  stages: Stage[]
  readiness: Record<string, Readiness>
}

/** The gate before a moved container. */
export function sequenceGateOf(container: string): GateName {
  return shortenName(`${SEQUENCE_GATE_PREFIX}${container}`)
}

/** Whether a container of this name is a gate of a sequenced pod (START_GATE is one in every gated pod). */
export function isSequenceGate(name: string): name is GateName {
  return name === START_GATE || name.startsWith(SEQUENCE_GATE_PREFIX)
}

/** Whether a container of this name is a gate of ours. */
export function isGate(name: string): name is GateName {
  return name === PULL_GATE || isSequenceGate(name)
}

/** As the agent's environment carries it. */
export function formatSequence({ stages, readiness }: Sequence): string {
  return JSON.stringify({ stages, readiness })
}

/**
 * Reads what formatSequence wrote; undefined when it is anything else: too long, a container or gate twice, a
 * dependency on a container of no stage, or a container without a readiness. Linear in the text.
 */
export function parseSequence(text: string | undefined): Sequence | undefined {
  if (text === undefined || text.length > MAX_SEQUENCE_LENGTH) return undefined
  const value = parseJson(text)
  if (!isObject(value) || !Array.isArray(value.stages) || !isObject(value.readiness)) return undefined
  const readiness = new Map(Object.entries(value.readiness).map(([name, given]) => [name, asReadiness(given)]))
  const stages = value.stages.map(asStage)
  if (!stages.every(stage => stage !== undefined)) return undefined
  const names = stages.flatMap(stage => stage.containers)
  const isWhole = names.every(name => readiness.get(name)) && [...readiness.values()].every(given => given)
  if (!isWhole || !areDistinct(names) || !areDistinct(stages.map(({ gate }) => gate))) return undefined
  const known = new Set(names)
  if (!stages.every(({ dependsOn }) => dependsOn.every(({ container }) => known.has(container)))) return undefined
  return { stages, readiness: Object.fromEntries(readiness) as Record<string, Readiness> }
}

/**
 * The sequence of a pod that has our agent. undefined for a plain pod, and for one whose sequence the webhook cannot
 * have written: unreadable, or with a container or gate that the spec does not have. Such a pod is a plain one, so that
 * its gates are answered.
 */
export function sequenceOfPod({ spec }: Pick<Pod, 'spec'>): Sequence | undefined {
  if (hasTooManyContainers({ spec })) return undefined
  const initContainers = spec.initContainers ?? []
  const agent = initContainers.find(container => container.name === AGENT)
  const sequence = parseSequence(agent?.env?.find(({ name }) => name === AGENT_ENV.sequence)?.value)
  if (!sequence) return undefined
  const initNames = new Set(initContainers.map(container => container.name))
  const names = new Set([...initNames, ...spec.containers.map(container => container.name)])
  const isThere = ({ gate, containers }: Stage) => initNames.has(gate) && containers.every(name => names.has(name))
  return sequence.stages.length > 0 && sequence.stages.every(isThere) ? sequence : undefined
}

function areDistinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length
}

function asStage(value: unknown): Stage | undefined {
  if (!isObject(value) || typeof value.gate !== 'string' || !isSequenceGate(value.gate)) return undefined
  const { gate, containers, dependsOn } = value
  if (!Array.isArray(containers) || !containers.every(name => typeof name === 'string')) return undefined
  if (!Array.isArray(dependsOn) || !dependsOn.every(isDependency)) return undefined
  return { gate, containers, dependsOn }
}

function isDependency(value: unknown): value is Dependency {
  return isObject(value) && typeof value.container === 'string' && CONDITIONS.some(c => c === value.condition)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
