import type { Pod } from '../../core/pod.ts'
import {
  isAnyObject,
  isListOf,
  isNumber,
  isObjectWith,
  isOptional,
  isRecordOf,
  isShortText,
  isText,
} from './field-check.ts'

const isTextRecord = isRecordOf(isText)
const isNamed = isObjectWith({ name: isText })

/** The API server writes quantities in their shortest form; gates copy them. */
const MOST_DIGITS = 64
const isQuantities = isOptional(isRecordOf(isShortText(MOST_DIGITS)))
const isResources = isObjectWith({ requests: isQuantities, limits: isQuantities })

const isProbe = isObjectWith({
  initialDelaySeconds: isOptional(isNumber),
  periodSeconds: isOptional(isNumber),
  failureThreshold: isOptional(isNumber),
})

const isContainer = isObjectWith({
  name: isText,
  image: isOptional(isText),
  command: isOptional(isListOf(isText)),
  startupProbe: isOptional(isProbe),
  env: isOptional(isListOf(isNamed)),
  volumeMounts: isOptional(isListOf(isNamed)),
  securityContext: isOptional(isAnyObject),
  resources: isOptional(isResources),
})

const isMetadata = isObjectWith({
  name: isOptional(isText),
  generateName: isOptional(isText),
  namespace: isOptional(isText),
  labels: isOptional(isTextRecord),
  annotations: isOptional(isTextRecord),
  ownerReferences: isOptional(isListOf(isObjectWith({ name: isText, kind: isText }))),
})

const isSpec = isObjectWith({
  containers: isListOf(isContainer),
  initContainers: isOptional(isListOf(isContainer)),
  ephemeralContainers: isOptional(isListOf(isNamed)),
  volumes: isOptional(isListOf(isNamed)),
  nodeSelector: isOptional(isTextRecord),
  os: isOptional(isAnyObject),
  securityContext: isOptional(isAnyObject),
  terminationGracePeriodSeconds: isOptional(isNumber),
  resources: isOptional(isResources),
})

const isPod = isObjectWith({ metadata: isMetadata, spec: isSpec })

/**
 * The pod in a review, if the fields that startgate reads have the API's types; undefined otherwise, and with more than
 * 5,000 labels or annotations. The API server sends decoded pods only, so this guards against anything else that finds
 * the port.
 */
export function asPod(value: unknown): Pod | undefined {
  return isPod(value) === undefined ? (value as Pod) : undefined
}

/**
 * Why `asPod` gives no pod: the path of the first bad field, what was seen and what should be, like
 * `spec.containers[2].image is 7; use a string`. Undefined for a pod. Takes one pass; its length is bounded.
 */
export function podFault(value: unknown): string | undefined {
  const fault = isPod(value)
  return fault && `${fault.path.replace(/^\./, '') || 'the pod'} ${fault.problem}`
}
