import { afterTargetName, ownTarget } from '../../core/after.ts'
import { annotationKey, type PodSettings, parsePodAnnotations } from '../../core/annotations.ts'
import { InvalidValueError } from '../../core/errors.ts'
import { INJECT_LABEL } from '../../core/names.ts'
import type { ObjectMeta, Pod, ResourceRequirements } from '../../core/pod.ts'
import { startTimeoutOf } from '../../core/start-timeout.ts'
import type { InjectSettings, NamespaceFacts } from '../cluster/settings.ts'
import { agentResources, sidecarGateResources } from '../inject/agent-resources.ts'
import { injectionFor } from '../inject/inject.ts'
import { nameProblems, reviewedPod } from '../inject/ownership.ts'
import { planPod, planSequencedPod } from '../inject/plan.ts'
import {
  type Fit,
  gateResources,
  isTooSmallForNode,
  sequenceGateResources,
  waiterGateResources,
} from '../inject/resources.ts'
import type { Operation } from '../patch/operation.ts'
import { checked, operationsFor } from '../patch/patch.ts'
import { proxyUser } from '../pod/service-mesh.ts'
import type { SequencedPod } from '../sequence/sequence-model.ts'
import { planSequence } from '../sequence/sequence-plan.ts'
import { sequenceWarnings } from '../sequence/sequence-warnings.ts'
import { asksToOptOut, eligibility, type SkipReason } from './eligibility.ts'

/** What is known, besides the review itself, when it is answered. */
export interface MutateFacts {
  settings: InjectSettings
  /** Undefined for a namespace that is not known yet. */
  namespace: NamespaceFacts | undefined
  /** For a pod, whether every node it may land on has an image. */
  everywhereFor(pod: Pod): (image: string) => boolean
  /** Whether the gates of a pod's sequence may stay in it; absent: no. */
  hasSidecarGates?(pod: Pod): boolean
  /** Where gates look for no waiter since no node has one: the settings of those that do, which need less memory. */
  throughWaiters?: InjectSettings
}

export type UnchangedReason = 'GateDoesNotFit' | 'PatchRefused' | 'TooManyContainers'

/**
 * Init and ephemeral containers included. A pod of that many is a mistake or an attack, and work on it grows with them.
 */
const MOST_CONTAINERS = 500
/** With ours, of another time or made to look like them: at most an image step and a gate for each, and three more. */
const MOST_WITH_OURS = 3 * MOST_CONTAINERS + 3

export type Outcome =
  /**
   * No operations: the pod has all it needs already. `raised`: the pod as a whole asks for more because of its gates.
   */
  | { kind: 'patched'; operations: Operation[]; warnings: string[]; raised?: true }
  | { kind: 'skipped'; reasons: SkipReason[] }
  | { kind: 'denied'; problems: string[] }
  /** It should be gated and cannot be. */
  | { kind: 'unchanged'; reason: UnchangedReason; sentence: string }

/**
 * What becomes of a pod that is being created in `requestNamespace`. Pure; applied to its own result it changes
 * nothing.
 */
export function mutate(pod: Pod, requestNamespace: string, facts: MutateFacts): Outcome {
  const outcome = mutated(pod, requestNamespace, facts)
  const { throughWaiters } = facts
  if (outcome.kind !== 'unchanged' || outcome.reason !== 'GateDoesNotFit' || !throughWaiters) return outcome
  const own = parsePodAnnotations(pod.metadata.annotations).settings
  // A pod that may never go without slots waits until there are waiters again.
  return failOpenAfterOf(own, facts) === Number.POSITIVE_INFINITY
    ? mutated(pod, requestNamespace, { ...facts, settings: throughWaiters })
    : outcome
}

function mutated(pod: Pod, requestNamespace: string, facts: MutateFacts): Outcome {
  const { settings, namespace } = facts
  const verdict = eligibility({ pod, namespace: requestNamespace, facts: namespace, settings })
  if (verdict.kind === 'skip') return { kind: 'skipped', reasons: verdict.reasons }
  if (containersIn(pod) > MOST_WITH_OURS) return tooMany(containersIn(pod))
  const reviewed = reviewedPod(pod)
  const { bare } = reviewed
  if (containersIn(bare) > MOST_CONTAINERS) return tooMany(containersIn(bare))
  const annotations = parsePodAnnotations(pod.metadata.annotations)
  const sequence = planSequence(bare, annotations.settings)
  const problems = [
    ...annotations.problems.map(problem => problem.message),
    ...nameProblems(bare),
    ...ownAfterProblems({ ...pod.metadata, namespace: requestNamespace }, annotations.settings),
    ...(sequence.kind === 'denied' ? sequence.problems : []),
  ]
  if (problems.length > 0) return { kind: 'denied', problems: problems.slice(0, MOST_PROBLEMS) }
  const sequenced = sequence.kind === 'sequenced' ? sequence : undefined
  const fit = fitOf(bare, sequenced, facts)
  if (fit.kind === 'unfit') return { kind: 'unchanged', reason: 'GateDoesNotFit', sentence: fit.sentence }
  const planFacts = { isEverywhere: facts.everywhereFor(bare) }
  const plan = sequenced ? planSequencedPod(bare, sequenced, planFacts) : planPod(bare, planFacts)
  const injection = injectionFor(reviewed, plan, {
    settings,
    proxyUser: proxyUser(bare),
    isTooSmallForNode: isTooSmallForNode(bare),
    resources: fit.gate,
    agentResources: fit.agent,
    sequenceGateResources: sequenceGateResources(bare, namespace),
    sidecarGateResources: fit.sidecarGate,
    failOpenAfterMs: failOpenAfterOf(annotations.settings, facts),
    startTimeoutMs: longestStartMs(bare, annotations.settings, facts),
  })
  const operations = operationsFor(reviewed, injection)
  const check = checked(reviewed, injection, operations)
  if (check.kind === 'bad') {
    return { kind: 'unchanged', reason: 'PatchRefused', sentence: `not gated, a fault of startgate: ${check.sentence}` }
  }
  return {
    kind: 'patched',
    operations,
    ...(fit.warnings.length > 0 && { raised: true }),
    warnings: [...optOutWarnings(pod), ...fit.warnings, ...(sequenced ? sequenceWarnings(bare, sequenced) : [])],
  }
}

/** A pod that asks to be left alone and gets here is in a cluster where that is not allowed. */
function optOutWarnings(pod: Pod): string[] {
  return asksToOptOut(pod)
    ? [`startgate: gated, since the label ${INJECT_LABEL}: "false" is not allowed in this cluster`]
    : []
}

function containersIn({ spec }: Pod): number {
  const ephemeral = Array.isArray(spec.ephemeralContainers) ? spec.ephemeralContainers.length : 0
  return spec.containers.length + (spec.initContainers?.length ?? 0) + ephemeral
}

function tooMany(count: number): Outcome {
  const seen = `not gated: a pod of ${count} containers, where at most ${MOST_CONTAINERS} are looked at`
  const sentence = `${seen}; split the pod into several`
  return { kind: 'unchanged', reason: 'TooManyContainers', sentence }
}

function failOpenAfterOf(own: PodSettings, { settings, namespace }: MutateFacts): number {
  return own.failOpenAfterMs ?? namespace?.settings.failOpenAfterMs ?? settings.failOpenAfterMs
}

/** Of the container that may take longest, as the lease service reckons it. */
function longestStartMs({ spec }: Pod, own: PodSettings, { settings, namespace }: MutateFacts): number {
  const written = { pod: own, namespace: namespace?.settings ?? {}, cluster: settings }
  return spec.containers.reduce((longestMs, container) => Math.max(longestMs, startTimeoutOf(container, written)), 0)
}

/** A denial is read by people. */
const MOST_PROBLEMS = 10

type WholeFit =
  | {
      kind: 'fits'
      gate: ResourceRequirements
      agent: ResourceRequirements
      sidecarGate: ResourceRequirements | undefined
      warnings: string[]
    }
  | { kind: 'unfit'; sentence: string }

function fitOf(bare: Pod, sequenced: SequencedPod | undefined, facts: MutateFacts): WholeFit {
  const { settings, namespace } = facts
  const gate = (settings.waiterPort === undefined ? gateResources : waiterGateResources)(bare, namespace)
  if (gate.kind === 'unfit') return gate
  const agent: Fit = sequenced ? agentResources(bare, namespace) : { kind: 'fits', resources: {} }
  if (agent.kind === 'unfit') return agent
  const raised = [gate.raised, agent.raised].flatMap(sentence => (sentence ? [`startgate: ${sentence}`] : []))
  const sidecarGate = sequenced && facts.hasSidecarGates?.(bare) ? sidecarGateResources(bare, namespace) : undefined
  return { kind: 'fits', gate: gate.resources, agent: agent.resources, sidecarGate, warnings: raised }
}

function ownAfterProblems(metadata: ObjectMeta, { after = [] }: PodSettings): string[] {
  const own = ownTarget(after, metadata)
  if (!own) return []
  const remedy = "is this pod's own workload, so the pod would wait for itself; remove it"
  return [new InvalidValueError(annotationKey('after'), afterTargetName(own), remedy).message]
}
