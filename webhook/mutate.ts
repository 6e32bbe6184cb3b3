import { parsePodAnnotations } from '../core/annotations.ts'
import type { Pod } from '../core/pod.ts'
import { eligibility, type SkipReason } from './eligibility.ts'
import { injectionFor } from './inject/inject.ts'
import { nameProblems, withoutOurs } from './inject/ownership.ts'
import { gateResources } from './inject/resources.ts'
import { checked, type Operation, operationsFor } from './patch.ts'
import { planPod } from './plan.ts'
import type { InjectSettings, NamespaceFacts } from './settings.ts'

/** What is known, besides the review itself, when it is answered. */
export interface MutateFacts {
  settings: InjectSettings
  /** Undefined for a namespace that is not known yet. */
  namespace: NamespaceFacts | undefined
  /** For a pod, whether every node it may land on has an image. */
  everywhereFor(pod: Pod): (image: string) => boolean
}

export type UnchangedReason = 'GateDoesNotFit' | 'PatchRefused'

export type Outcome =
  /** No operations: the pod has all it needs already. */
  | { kind: 'patched'; operations: Operation[]; warnings: string[] }
  | { kind: 'skipped'; reasons: SkipReason[] }
  | { kind: 'denied'; problems: string[] }
  /** It should be gated and cannot be. */
  | { kind: 'unchanged'; reason: UnchangedReason; sentence: string }

/** What becomes of a pod that is being created in `requestNamespace`. Pure; applied to its own result it changes nothing. */
export function mutate(pod: Pod, requestNamespace: string, facts: MutateFacts): Outcome {
  const { settings, namespace } = facts
  const verdict = eligibility({ pod, namespace: requestNamespace, facts: namespace, settings })
  if (verdict.kind === 'skip') return { kind: 'skipped', reasons: verdict.reasons }
  const annotations = parsePodAnnotations(pod.metadata.annotations)
  const problems = [...annotations.problems.map(problem => problem.message), ...nameProblems(pod)]
  if (problems.length > 0) return { kind: 'denied', problems }
  const bare = withoutOurs(pod)
  const fit = gateResources(bare, namespace)
  if (fit.kind === 'unfit') return { kind: 'unchanged', reason: 'GateDoesNotFit', sentence: fit.sentence }
  const plan = planPod(bare, { settings, namespace, isEverywhere: facts.everywhereFor(bare) })
  const failOpenAfterMs =
    annotations.settings.failOpenAfterMs ?? namespace?.settings.failOpenAfterMs ?? settings.failOpenAfterMs
  const injection = injectionFor(pod, plan, { settings, resources: fit.resources, failOpenAfterMs })
  const operations = operationsFor(pod, injection)
  const check = checked(pod, injection, operations)
  if (check.kind === 'bad') {
    return { kind: 'unchanged', reason: 'PatchRefused', sentence: `not gated, a fault of startgate: ${check.sentence}` }
  }
  return { kind: 'patched', operations, warnings: fit.raised ? [`startgate: ${fit.raised}`] : [] }
}
