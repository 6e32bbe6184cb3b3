import { cut, instead, shownValue } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'
import type { Pod } from '../../core/pod.ts'
import type { Operation } from '../patch/operation.ts'
import { asPod, podFault } from '../pod/pod-shape.ts'

const API_VERSION = 'admission.k8s.io/v1'
const KIND = 'AdmissionReview'
const SEND = `${KIND} of ${API_VERSION}`

/** A request to create a pod. */
export interface PodReview {
  uid: string
  namespace: string
  pod: Pod
  /** Nothing is stored, so nothing may be told. */
  isDryRun: boolean
}

/**
 * What a body is: a pod to look at; a well-formed review of something else (or of a pod we cannot read), which is
 * allowed as it is; or nothing that could be answered in the protocol, which gets 400 with the sentence.
 */
export type ParsedReview =
  | { kind: 'pod'; review: PodReview }
  | { kind: 'other'; uid: string; reason: 'NotAPodCreate' }
  /** `fault` names the first bad field. */
  | { kind: 'other'; uid: string; reason: 'UnreadablePod'; fault: string }
  | { kind: 'malformed'; sentence: string }

export interface AdmissionReview {
  apiVersion: typeof API_VERSION
  kind: typeof KIND
  response: AdmissionResponse
}

interface AdmissionResponse {
  uid: string
  allowed: boolean
  warnings?: string[]
  patchType?: 'JSONPatch'
  /** Base64 of the JSON patch. */
  patch?: string
  status?: { code: number; reason: string; message: string }
}

/** Reads an AdmissionReview v1 from parsed JSON of any shape. Never throws. */
export function parseReview(body: unknown): ParsedReview {
  const malformed = (sentence: string): ParsedReview => ({ kind: 'malformed', sentence })
  if (!isObject(body)) return malformed(instead('the body is not a JSON object', SEND))
  if (body.kind !== KIND || body.apiVersion !== API_VERSION) {
    const given = [body.kind, body.apiVersion].map(value => JSON.stringify(cut(shownValue(value) ?? '')))
    return malformed(instead(`the body is ${given.join(' of ')}`, SEND))
  }
  const request = body.request
  if (!isObject(request))
    return malformed(instead('the AdmissionReview has no request', 'one that the API server made'))
  const { uid } = request
  if (typeof uid !== 'string' || uid === '')
    return malformed(instead('the request has no uid', 'the one that the API server made'))
  if (!isPodCreate(request)) return { kind: 'other', uid, reason: 'NotAPodCreate' }
  const pod = asPod(request.object)
  if (!pod) return { kind: 'other', uid, reason: 'UnreadablePod', fault: podFault(request.object) ?? '' }
  const namespace = typeof request.namespace === 'string' ? request.namespace : (pod.metadata.namespace ?? '')
  return { kind: 'pod', review: { uid, namespace, pod, isDryRun: request.dryRun === true } }
}

/** Only creation, and no subresource: a pod's init containers cannot change later. */
function isPodCreate({ operation, resource, subResource, object }: Record<string, unknown>): boolean {
  return (
    operation === 'CREATE' &&
    isObject(resource) &&
    resource.group === '' &&
    resource.version === 'v1' &&
    resource.resource === 'pods' &&
    (subResource === undefined || subResource === '') &&
    isObject(object)
  )
}

/** Allowed, untouched. */
export function allow(uid: string, warnings: string[] = []): AdmissionReview {
  return respond({ uid, allowed: true }, warnings)
}

/** Allowed with a patch. An empty one is left out: patchType without a patch fails the call. */
export function patched(uid: string, operations: Operation[], warnings: string[] = []): AdmissionReview {
  if (operations.length === 0) return allow(uid, warnings)
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64')
  return respond({ uid, allowed: true, patchType: 'JSONPatch', patch }, warnings)
}

/** Refused; each problem is one sentence for whoever applied the pod. */
export function denied(uid: string, problems: string[]): AdmissionReview {
  const message = problems.join('; ')
  return respond({ uid, allowed: false, status: { code: 422, reason: 'Invalid', message } }, [])
}

/** client-go shows warnings best up to 120 characters; the API server may cut them at 256. */
const WARNING_LENGTH = 120

function respond(response: AdmissionResponse, warnings: string[]): AdmissionReview {
  const short = warnings.map(text => cut(text, WARNING_LENGTH))
  return { apiVersion: API_VERSION, kind: KIND, response: short.length ? { ...response, warnings: short } : response }
}
