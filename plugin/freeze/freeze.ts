import { annotationKey, parseNamespaceAnnotations } from '../../core/annotations.ts'
import { cut, InvalidValueError, instead } from '../../core/errors.ts'
import { formatFreeze, parseFrozen } from '../../core/frozen.ts'
import { INJECTION_LABEL } from '../../core/names.ts'
import type { Namespace } from '../../core/pod.ts'
import { unusable } from '../model/failure.ts'

export const FROZEN = annotationKey('frozen')
const MOST_REASON = 120

/** What is to be frozen or let go: a namespace, or the cluster, by the namespace of startgate itself. */
export interface FreezeTarget {
  namespace: string
  isCluster: boolean
}

/** What to write, if anything, and what to say. */
export interface FreezeStep {
  /** Of the annotation; null takes it away. Absent: it stays as it is. */
  annotation?: string | null
  said: string
  /** What keeps the step from doing what is meant. */
  warnings: string[]
}

/** Reads `--reason`. Throws Failure. */
export function parseReason(text: string): string {
  if (text.length <= MOST_REASON) return text.trim()
  throw unusable(`--reason ${instead(`is ${text.length} characters long`, `at most ${MOST_REASON}`)}`)
}

/** A freeze that is there is kept, with the name of who made it. What the service cannot read is written over. */
export function freezeStep(
  { metadata }: Namespace,
  target: FreezeTarget,
  by: { who: string; atMs: number; reason: string },
): FreezeStep {
  const before = freezeOf(metadata)
  const warnings = target.isCluster ? [] : freezeWarnings(metadata)
  if (before !== undefined) return { said: `${nameOf(target)} is frozen already, by ${before}`, warnings }
  const annotation = formatFreeze(by)
  return {
    annotation,
    said: `${nameOf(target)} is frozen: no container starts and no image is pulled there until ${command(target)}`,
    warnings,
  }
}

export function resumeStep({ metadata }: Namespace, target: FreezeTarget): FreezeStep {
  const written = metadata.annotations?.[FROZEN]
  const before = freezeOf(metadata)
  const { maxStarting, maxPulling } = parseNamespaceAnnotations(metadata.annotations).settings
  const zeros = [maxStarting === 0 ? 'maxStarting' : [], maxPulling === 0 ? 'maxPulling' : []].flat()
  const warnings = target.isCluster ? [] : zeros.map(field => `${annotationKey(field)}: 0 goes on freezing it`)
  if (written === undefined) return { said: `${nameOf(target)} is not frozen`, warnings }
  // What was in force before a bad value stays in force, so that value goes too.
  if (before === undefined)
    return {
      annotation: null,
      said: `${nameOf(target)} goes on; ${FROZEN}: ${quoted(written)} did not lift a freeze`,
      warnings,
    }
  return { annotation: null, said: `${nameOf(target)} goes on; it was frozen by ${before}`, warnings }
}

/** The annotation as it is shown; undefined where it is absent or no freeze, as `"false"`. */
function freezeOf({ annotations }: Namespace['metadata']): string | undefined {
  const text = annotations?.[FROZEN]
  try {
    return text === undefined ? undefined : parseFrozen(FROZEN, text)
  } catch (error) {
    if (error instanceof InvalidValueError) return undefined
    throw error
  }
}

const quoted = (text: string): string => JSON.stringify(cut(text))

function freezeWarnings({ labels, annotations }: Namespace['metadata']): string[] {
  if (labels?.[INJECTION_LABEL] !== 'enabled') return ['it is not opted in, so its pods are not held back']
  const { mode = 'enforce' } = parseNamespaceAnnotations(annotations).settings
  return mode === 'enforce' ? [] : [`its mode is ${mode}, so its pods are not held back`]
}

const nameOf = ({ namespace, isCluster }: FreezeTarget): string =>
  isCluster ? 'the cluster' : `namespace ${namespace}`

const command = ({ namespace, isCluster }: FreezeTarget): string =>
  `kubectl startgate resume ${isCluster ? '--cluster' : `-n ${namespace}`}`
