import { annotationKey } from '../../../core/annotations.ts'
import type { LimitFacts, Scope } from './scope.ts'
import { type Place, type ScopeAt, scopeRef } from './scope-ref.ts'

/**
 * Whether pulls of this namespace's pods are under the ramp. A namespace may ask for it, and not be left out of the
 * chart's.
 */
export function isRamped(
  namespace: string,
  { settings, namespaces }: Pick<LimitFacts, 'settings' | 'namespaces'>,
): boolean {
  return settings.pullRamp === true || namespaces.get(namespace)?.pullRamp === true
}

/**
 * Of each image of a pull: as many may pull it as twice the nodes that have it, so that 1, 2, 4, … nodes do, and one
 * where none has it. Who pulls it without a ramp counts too.
 */
export function rampScopes({ namespace, images }: Pick<Place, 'namespace' | 'images'>, facts: LimitFacts): Scope[] {
  if (images.length === 0 || !isRamped(namespace, facts)) return []
  const source = sourceOf(facts, `namespace ${namespace}`)
  return [...new Set(images)].map(image => rampScope(image, source, facts))
}

/** The ramp of one image as it is for whoever waits for it; undefined when nobody does. */
export function rampAt(image: string, facts: LimitFacts): Scope | undefined {
  return facts.images?.isWanted(image) ? rampScope(image, sourceOf(facts, 'a namespace'), facts) : undefined
}

function sourceOf({ settings }: LimitFacts, on: string): string {
  return settings.pullRamp ? "limits.pullRamp: true in the chart's values" : `${annotationKey('pullRamp')}: on on ${on}`
}

function rampScope(image: string, source: string, { images }: LimitFacts): Scope {
  const onNodes = images?.onNodes(image) ?? 0
  const name = images?.nameOf(image) ?? image
  const at: ScopeAt = { kind: 'image', image }
  return {
    ...scopeRef(at),
    ...{ limit: Math.max(1, 2 * onNodes), subject: `image ${name}`, source },
    image: { name, onNodes },
  }
}
