import { fieldsOf } from '../../../core/is-object.ts'
import { type Lease, microTime } from '../../../core/kube/lease.ts'
import { RESOURCE_LABEL } from '../../../core/names.ts'
import type { Grant } from '../model/grant.ts'
import { storedImageKeyOf } from '../pods/image-key.ts'
import { completedGrant, identityIn } from './lease-fallback.ts'

const GRANT_ANNOTATION = 'startgate.dev/grant'

/** Who holds what, for the HOLDER column of `kubectl get leases`. */
function holderOf(grant: Grant): string {
  if (grant.isRider) return `${grant.namespace}/${grant.podName}: shares a pull on ${grant.nodeName}`
  const slots = grant.slots === 1 ? `1 ${grant.resource} slot` : `${grant.slots} ${grant.resource} slots`
  return `${grant.namespace}/${grant.podName}: ${slots} on ${grant.nodeName}`
}

/**
 * A grant as a Lease of the key's name, so that a second create of it conflicts. The whole grant is in an annotation,
 * since a new leader must be able to go on from the object alone; the spec says the same for people. `leaseTransitions`
 * is the term.
 */
export function encodeLease(grant: Grant, namespace: string): Lease {
  const stamp = microTime(grant.grantedAtMs)
  return {
    metadata: {
      name: grant.key,
      namespace,
      labels: { [RESOURCE_LABEL]: grant.resource, 'app.kubernetes.io/managed-by': 'startgate' },
      annotations: { [GRANT_ANNOTATION]: JSON.stringify(grant) },
    },
    spec: {
      holderIdentity: holderOf(grant),
      leaseDurationSeconds: Math.max(1, Math.ceil(grant.timeoutMs / 1000)),
      acquireTime: stamp,
      renewTime: stamp,
      leaseTransitions: grant.term,
    },
  }
}

const FIELDS: Record<keyof Grant, (value: unknown) => boolean> = {
  isRider: value => value === undefined || value === true,
  key: isText,
  resource: value => value === 'pull' || value === 'start',
  gate: isText,
  attempt: isNumber,
  podUid: isText,
  podName: isText,
  namespace: isText,
  nodeName: isText,
  containers: isTexts,
  slots: isNumber,
  images: isTexts,
  priority: isNumber,
  createdAtMs: isNumber,
  term: isNumber,
  grantedAtMs: isNumber,
  timeoutMs: isNumber,
  staleContainerIds: isTexts,
  isObserved: value => value === undefined || value === true,
}

/**
 * The grant in a Lease, also of an older or newer version: what that one writes otherwise is completed from the Lease's
 * name and spec. Undefined when it is none of ours, belongs to another name or does not even say how many slots are
 * held where.
 */
export function decodeLease(lease: Lease): Grant | undefined {
  const record = recordIn(lease.metadata.annotations?.[GRANT_ANNOTATION])
  const isUnderstood = ([field, holds]: [string, (value: unknown) => boolean]) => holds(record[field])
  const fields = Object.entries(FIELDS)
  const understood = Object.fromEntries(fields.filter(isUnderstood).map(([field]) => [field, record[field]]))
  const grant = fields.every(isUnderstood) ? (record as unknown as Grant) : completedGrant(lease, understood)
  const identity = identityIn(lease)
  // One that is whole and says another name is a copy of a Lease, not one of ours.
  if (!grant || !identity || grant.key !== identity.key) return undefined
  return { ...grant, ...identity, images: [...new Set(grant.images.map(storedImageKeyOf))] }
}

/** Empty where the text is no object. */
function recordIn(text: string | undefined): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(text ?? ''))
  } catch {
    return {}
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value)
}
function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}
