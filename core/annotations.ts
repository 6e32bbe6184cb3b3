import { type AfterTarget, parseAfter } from './after.ts'
import { InvalidValueError, instead, notValid } from './errors.ts'
import { parseFrozen } from './frozen.ts'
import { ANNOTATION_PREFIX } from './names.ts'
import type { ObjectMeta } from './pod.ts'
import { type Pressure, parseMaxPressure } from './pressure.ts'
import {
  parseCount,
  parseCountOrAuto,
  parseDurationMs,
  parseFactor,
  parseOn,
  parsePatienceMs,
  parseRate,
  parseWeight,
  type Rate,
} from './quantity.ts'

export type Mode = 'enforce' | 'observe' | 'off'

/** What a namespace's annotations say; an absent field was not given. */
export interface NamespaceSettings {
  maxStarting?: number
  /** `auto`: what the node finds by itself, of a namespace for its own pods there. */
  maxStartingPerNode?: number | 'auto'
  maxStartingPerCore?: number
  maxPulling?: number
  maxPullingPerNode?: number
  /** Twice as many of its pods pull an image as nodes have it, and one at least. */
  pullRamp?: boolean
  maxStartRate?: Rate
  /** Lets one start pass full limits whenever there was none for so long. Needs the chart's permission. */
  minStartRate?: Rate
  /** How long full limits may hold a pod back. Needs the chart's permission. */
  maxWaitMs?: number
  /** Share among namespaces, 1 where it is not given. Needs the chart's permission. */
  weight?: number
  startTimeoutMs?: number
  failOpenAfterMs?: number
  mode?: Mode
  /**
   * Who froze it, when and why: nothing in it gets slots. On startgate's own namespace: nothing in the cluster.
   */
  frozen?: string
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
  /** As written: reading it takes the pod's containers (webhook/sequence/depends-on.ts). */
  dependsOn?: string
  /** As written (webhook/sequence/readiness.ts). */
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
  if (!mode) throw new InvalidValueError(field, text, notValid('mode', ...MODES))
  return mode
}

/** Of a list of names. */
const MOST_NAMES = 64

/** Names set apart by commas, blanks or line ends. */
function parseNames(field: string, text: string): string[] {
  const names = text.split(/[\s,]+/).filter(name => name !== '')
  if (names.length === 0) throw new InvalidValueError(field, text, notValid('list of names', '"db"', '"db, cache"'))
  if (names.length > MOST_NAMES)
    throw new InvalidValueError(field, text, instead(`has ${names.length} names`, `at most ${MOST_NAMES}`))
  return names
}

const asWritten = (_: string, text: string): string => text

type Parser<T> = { [K in keyof Required<T>]: (field: string, text: string) => NonNullable<T[K]> }

const NAMESPACE_FIELDS: Parser<NamespaceSettings> = {
  maxStarting: parseCount,
  maxStartingPerNode: parseCountOrAuto,
  maxStartingPerCore: parseFactor,
  maxPulling: parseCount,
  maxPullingPerNode: parseCount,
  pullRamp: parseOn,
  maxStartRate: parseRate,
  minStartRate: parseRate,
  maxWaitMs: parseDurationMs,
  weight: parseWeight,
  startTimeoutMs: parseDurationMs,
  failOpenAfterMs: parsePatienceMs,
  mode: parseMode,
  frozen: parseFrozen,
}
const NODE_FIELDS: Parser<NodeSettings> = {
  maxStartingPerNode: parseCountOrAuto,
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

/** By field, of which there are as many as the code names: the lease service asks for them at every turn. */
const keys = new Map<string, string>()

const NAMESPACE_KEYS = byKey(NAMESPACE_FIELDS)
const NODE_KEYS = byKey(NODE_FIELDS)
const POD_KEYS = byKey(POD_FIELDS)

/**
 * `maxStartingPerNode` → `startgate.dev/max-starting-per-node`; the unit of a duration is in its value, not in its
 * name.
 */
export function annotationKey(field: string): string {
  const known = keys.get(field)
  if (known !== undefined) return known
  const key = ANNOTATION_PREFIX + field.replace(/Ms$/, '').replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)
  keys.set(field, key)
  return key
}

interface Field {
  field: string
  parser: (field: string, text: string) => unknown
}

function byKey<T extends object>(fields: Parser<T>): Map<string, Field> {
  const entries = Object.entries(fields) as [string, Field['parser']][]
  return new Map(entries.map(([field, parser]) => [annotationKey(field), { field, parser }]))
}

/**
 * In UTF-16 units, for each value. Kubernetes takes 256 KiB of annotations for an object, and webhooks see them before
 * even that is checked: no parser is given more than this.
 */
const MOST_TEXT = 4096
/** Unknown keys that are told of; a typing mistake makes one. */
const MOST_UNKNOWN = 10

/** Throws InvalidValueError. */
function parsed(key: string, text: string, { parser }: Field): unknown {
  if (text.length > MOST_TEXT) {
    throw new InvalidValueError(key, text, instead(`is ${text.length} characters long`, `at most ${MOST_TEXT}`))
  }
  return parser(key, text)
}

function parse<T extends object>(
  annotations: Record<string, string> | null | undefined,
  fields: ReadonlyMap<string, Field>,
): { settings: T; problems: InvalidValueError[] } {
  const settings: Record<string, unknown> = {}
  const problems: InvalidValueError[] = []
  for (const [key, field] of fields) {
    const text = annotations?.[key]
    if (text === undefined) continue
    try {
      settings[field.field] = parsed(key, text, field)
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error
      problems.push(error)
    }
  }
  for (const key of unknownKeys(annotations, fields)) {
    const remedy = instead('is not an annotation of startgate here', `one of ${[...fields.keys()].join(', ')}`)
    problems.push(new InvalidValueError(key, annotations?.[key] ?? '', remedy))
  }
  return { settings: settings as T, problems }
}

function unknownKeys(
  annotations: Record<string, string> | null | undefined,
  fields: ReadonlyMap<string, Field>,
): string[] {
  const unknown: string[] = []
  for (const key of Object.keys(annotations ?? {})) {
    if (!key.startsWith(ANNOTATION_PREFIX) || fields.has(key)) continue
    unknown.push(key)
    if (unknown.length === MOST_UNKNOWN) break
  }
  return unknown
}

const podSettings = new WeakMap<ObjectMeta, Map<keyof PodSettings, unknown>>()

/**
 * One setting of a pod, undefined where it is not given or bad. Only this annotation is read, and once for a metadata
 * object: the lease service asks again at every turn.
 */
export function podSetting<K extends keyof PodSettings>(metadata: ObjectMeta, field: K): PodSettings[K] | undefined {
  const key = annotationKey(field)
  const text = metadata.annotations?.[key]
  if (text === undefined) return undefined
  const settings = podSettings.get(metadata) ?? new Map<keyof PodSettings, unknown>()
  if (!settings.has(field)) {
    const { settings: read } = parse<PodSettings>({ [key]: text }, POD_KEYS)
    podSettings.set(metadata, settings.set(field, read[field]))
  }
  return settings.get(field) as PodSettings[K] | undefined
}

/**
 * Reads a namespace's annotations. A bad or unknown one is a problem and leaves its field out: the caller keeps the
 * last good value.
 */
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
