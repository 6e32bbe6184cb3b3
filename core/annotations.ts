import { type AfterTarget, parseAfter } from './after.ts'
import { InvalidValueError } from './errors.ts'
import { ANNOTATION_PREFIX } from './names.ts'
import { type Pressure, parseMaxPressure } from './pressure.ts'
import {
  parseCount,
  parseDurationMs,
  parseFactor,
  parsePatienceMs,
  parseRate,
  parseWeight,
  type Rate,
} from './quantity.ts'

export type Mode = 'enforce' | 'observe' | 'off'

/** What a namespace's annotations say; an absent field was not given. */
export interface NamespaceSettings {
  maxStarting?: number
  maxStartingPerNode?: number
  maxStartingPerCore?: number
  maxPulling?: number
  maxPullingPerNode?: number
  maxStartRate?: Rate
  /** Lets one start pass full limits whenever there was none for so long. Needs the chart's leave. */
  minStartRate?: Rate
  /** How long full limits may hold a pod back. Needs the chart's leave. */
  maxWaitMs?: number
  /** Share among namespaces, 1 where it is not given. Needs the chart's leave. */
  weight?: number
  startTimeoutMs?: number
  failOpenAfterMs?: number
  mode?: Mode
}

/** What a node's annotations say. They replace what the chart says of nodes. */
export interface NodeSettings
  extends Pick<NamespaceSettings, 'maxStartingPerNode' | 'maxStartingPerCore' | 'maxPullingPerNode'> {
  maxPressure?: Pressure
}

/** What a pod's annotations say. */
export interface PodSettings {
  startTimeoutMs?: number
  failOpenAfterMs?: number
  /** As written: reading it takes the pod's containers (webhook/depends-on.ts). */
  dependsOn?: string
  /** As written (webhook/readiness.ts). */
  readiness?: string
  after?: AfterTarget[]
  /** How long `after` may hold the pod back. */
  afterMaxWaitMs?: number
  /** Containers that may be moved although the pod is not restarted, because it does not depend on how they end. */
  helpers?: string[]
}

const MODES: Mode[] = ['enforce', 'observe', 'off']

function parseMode(field: string, text: string): Mode {
  const mode = MODES.find(m => m === text.trim())
  if (!mode) throw new InvalidValueError(field, text, 'is no mode: write enforce, observe or off')
  return mode
}

/** Names set apart by commas, blanks or line ends. */
function parseNames(field: string, text: string): string[] {
  const names = text.split(/[\s,]+/).filter(name => name !== '')
  if (names.length === 0) throw new InvalidValueError(field, text, 'names nothing: write names like db, cache')
  return names
}

const asWritten = (_: string, text: string): string => text

type Parser<T> = { [K in keyof Required<T>]: (field: string, text: string) => NonNullable<T[K]> }

const NAMESPACE_FIELDS: Parser<NamespaceSettings> = {
  maxStarting: parseCount,
  maxStartingPerNode: parseCount,
  maxStartingPerCore: parseFactor,
  maxPulling: parseCount,
  maxPullingPerNode: parseCount,
  maxStartRate: parseRate,
  minStartRate: parseRate,
  maxWaitMs: parseDurationMs,
  weight: parseWeight,
  startTimeoutMs: parseDurationMs,
  failOpenAfterMs: parsePatienceMs,
  mode: parseMode,
}
const NODE_FIELDS: Parser<NodeSettings> = {
  maxStartingPerNode: parseCount,
  maxStartingPerCore: parseFactor,
  maxPullingPerNode: parseCount,
  maxPressure: parseMaxPressure,
}
const POD_FIELDS: Parser<PodSettings> = {
  startTimeoutMs: parseDurationMs,
  failOpenAfterMs: parsePatienceMs,
  dependsOn: asWritten,
  readiness: asWritten,
  after: parseAfter,
  afterMaxWaitMs: parseDurationMs,
  helpers: parseNames,
}

const NAMESPACE_KEYS = byKey(NAMESPACE_FIELDS)
const NODE_KEYS = byKey(NODE_FIELDS)
const POD_KEYS = byKey(POD_FIELDS)

/** `maxStartingPerNode` → `startgate.dev/max-starting-per-node`; the unit of a duration is in its value, not in its name. */
export function annotationKey(field: string): string {
  return ANNOTATION_PREFIX + field.replace(/Ms$/, '').replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)
}

type Fields = Map<string, { field: string; parser: (field: string, text: string) => unknown }>

function byKey<T extends object>(fields: Parser<T>): Fields {
  const entries = Object.entries(fields) as [string, (field: string, text: string) => unknown][]
  return new Map(entries.map(([field, parser]) => [annotationKey(field), { field, parser }]))
}

function parse<T extends object>(
  annotations: Record<string, string> | undefined,
  fields: Fields,
): { settings: T; problems: InvalidValueError[] } {
  const settings: Record<string, unknown> = {}
  const problems: InvalidValueError[] = []
  for (const [key, text] of Object.entries(annotations ?? {})) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue
    const known = fields.get(key)
    try {
      if (!known)
        throw new InvalidValueError(
          key,
          text,
          `is not an annotation of startgate here: use one of ${[...fields.keys()].join(', ')}`,
        )
      settings[known.field] = known.parser(key, text)
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error
      problems.push(error)
    }
  }
  return { settings: settings as T, problems }
}

/** Reads a namespace's annotations. A bad or unknown one is a problem and leaves its field out: the caller keeps the last good value. */
export function parseNamespaceAnnotations(annotations: Record<string, string> | undefined): {
  settings: NamespaceSettings
  problems: InvalidValueError[]
} {
  return parse(annotations, NAMESPACE_KEYS)
}

/** Reads a node's annotations, as those of a namespace are read. */
export function parseNodeAnnotations(annotations: Record<string, string> | undefined): {
  settings: NodeSettings
  problems: InvalidValueError[]
} {
  return parse(annotations, NODE_KEYS)
}

/** Reads a pod's annotations. Any problem denies the pod. */
export function parsePodAnnotations(annotations: Record<string, string> | undefined): {
  settings: PodSettings
  problems: InvalidValueError[]
} {
  return parse(annotations, POD_KEYS)
}
