import type { Outcome } from '../../webhook/mutate/mutate.ts'
import { applied } from '../../webhook/patch/patch.ts'
import { podFault } from '../../webhook/pod/pod-shape.ts'
import type { FoundObject, Objects, Place } from '../manifest/objects.ts'
import { podOf, type TemplatePod } from '../manifest/pod-template.ts'
import { type LintOptions, offlineSettings, outcomeOf } from './lint.ts'
import { namespacesIn } from './namespaces.ts'

/** What an object's pod becomes. */
export interface Injected extends Place {
  kind: string
  name: string
  outcome: 'gated' | 'skipped' | 'ungated' | 'denied'
  /** The reasons, where it is not gated. */
  sentences: string[]
  /** As it would be; absent where it is denied. */
  pod?: unknown
}

/** The pods of these objects as they would be created, in order. */
export function injected({ found }: Objects, { config, namespace }: LintOptions): Injected[] {
  const context = { namespaces: namespacesIn(found, namespace), settings: offlineSettings(config) }
  return found.flatMap(object => {
    const own = object.namespace ?? namespace
    const made = podOf(object, own)
    return made ? [injectedOne(object, made, outcomeOf({ made, namespace: own, ...context }))] : []
  })
}

function injectedOne(object: FoundObject, made: TemplatePod, outcome: Outcome | undefined): Injected {
  switch (outcome?.kind) {
    case undefined:
      return result(object, 'ungated', [podFault(made.raw) ?? 'a field is not of the type that the API has'], made.raw)
    case 'denied':
      return result(object, 'denied', outcome.problems)
    case 'skipped':
      return result(object, 'skipped', outcome.reasons, made.raw)
    case 'unchanged':
      return result(object, 'ungated', [outcome.sentence], made.raw)
    case 'patched':
      return result(object, 'gated', outcome.warnings, made.pod && applied(made.pod, outcome.operations))
  }
}

function result(
  { file, document, line, kind, name }: FoundObject,
  outcome: Injected['outcome'],
  sentences: string[],
  pod?: unknown,
): Injected {
  return { file, document, line, kind, name, outcome, sentences, ...(pod !== undefined && { pod }) }
}
