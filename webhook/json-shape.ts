import type { Pod } from '../core/pod.ts'

type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The pod in a review, if the fields that startgate reads have the API's types; undefined otherwise. The API server
 * sends decoded pods only, so this guards against anything else that finds the port.
 */
export function asPod(value: unknown): Pod | undefined {
  if (!isObject(value) || !isObject(value.metadata) || !isObject(value.spec)) return undefined
  const { metadata, spec } = value
  const isGood =
    !isDeeperThan(value, MOST_LEVELS) &&
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

/** A pod's own fields have a dozen levels. What is made of it here, comparing and copying, recurses. */
const MOST_LEVELS = 100

/** Without recursion, since the depth is what is in question. */
function isDeeperThan(value: unknown, levels: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true
    level = level.flatMap(item => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
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

function isTextRecord(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isText)
}

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

/** Quantities are text; a hand-written manifest may hold numbers. */
function isResources(value: unknown): boolean {
  const isList: Guard = list =>
    isObject(list) && Object.values(list).every(quantity => ['string', 'number'].includes(typeof quantity))
  return isObject(value) && isOptional(value.requests, isList) && isOptional(value.limits, isList)
}
