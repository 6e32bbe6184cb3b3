import type { Pod } from '../../core/pod.ts'

type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The pod in a review, if the fields that startgate reads have the API's types; undefined otherwise, and with more than
 * 5,000 labels or annotations. The API server sends decoded pods only, so this guards against anything else that finds
 * the port.
 */
export function asPod(value: unknown): Pod | undefined {
  if (!isObject(value) || !isObject(value.metadata) || !isObject(value.spec)) return undefined
  const { metadata, spec } = value
  const isGood =
    isOptional(metadata.name, isText) &&
    isOptional(metadata.generateName, isText) &&
    isOptional(metadata.namespace, isText) &&
    isOptional(metadata.labels, isTextRecord) &&
    isOptional(metadata.annotations, isTextRecord) &&
    isOptional(metadata.ownerReferences, isListOf(isOwner)) &&
    isListOf(isContainer)(spec.containers) &&
    isOptional(spec.initContainers, isListOf(isContainer)) &&
    isOptional(spec.ephemeralContainers, isListOf(isNamed)) &&
    isOptional(spec.volumes, isListOf(isNamed)) &&
    isOptional(spec.nodeSelector, isTextRecord) &&
    isOptional(spec.os, isObject) &&
    isOptional(spec.securityContext, isObject) &&
    isOptional(spec.terminationGracePeriodSeconds, isNumber) &&
    isOptional(spec.resources, isResources)
  return isGood ? (value as unknown as Pod) : undefined
}

type Guard = (value: unknown) => boolean

/** Go writes an empty field as absent; null means the same. */
function isOptional(value: unknown, guard: Guard): boolean {
  return value === undefined || value === null || guard(value)
}

function isListOf(guard: Guard): Guard {
  return value => Array.isArray(value) && value.every(guard)
}

function isNamed(value: unknown): value is JsonObject {
  return isObject(value) && typeof value.name === 'string'
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

function isOwner(value: unknown): boolean {
  return isNamed(value) && typeof value.kind === 'string'
}

function isProbe(value: unknown): boolean {
  const fields = ['initialDelaySeconds', 'periodSeconds', 'failureThreshold']
  return isObject(value) && fields.every(field => isOptional(value[field], isNumber))
}

/**
 * Of labels, annotations, selectors and resources. Objects of a hundred thousand keys take long to copy, and none is
 * honest.
 */
const MOST_ENTRIES = 5_000

/** An object with so many entries at most, of which each is good. */
function isRecordOf(guard: Guard): Guard {
  return value => {
    if (!isObject(value)) return false
    const keys = Object.keys(value)
    return keys.length <= MOST_ENTRIES && keys.every(key => guard(value[key]))
  }
}

const isTextRecord = isRecordOf(isText)

function isContainer(value: unknown): boolean {
  return (
    isNamed(value) &&
    isOptional(value.image, isText) &&
    isOptional(value.command, isListOf(isText)) &&
    isOptional(value.startupProbe, isProbe) &&
    isOptional(value.env, isListOf(isNamed)) &&
    isOptional(value.volumeMounts, isListOf(isNamed)) &&
    isOptional(value.securityContext, isObject) &&
    isOptional(value.resources, isResources)
  )
}

/** The API server writes quantities in their shortest form; gates copy them. */
const MOST_DIGITS = 64

/** Quantities are text; a hand-written manifest may hold numbers. */
function isQuantity(value: unknown): boolean {
  return typeof value === 'number' || (isText(value) && value.length <= MOST_DIGITS)
}

function isResources(value: unknown): boolean {
  const isList = isRecordOf(isQuantity)
  return isObject(value) && isOptional(value.requests, isList) && isOptional(value.limits, isList)
}
