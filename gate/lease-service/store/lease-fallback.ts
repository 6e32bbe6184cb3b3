import type { Lease } from '../../../core/kube/lease.ts'
import { PULL_GATE, START_GATE } from '../../../core/names.ts'
import { MAX_CONTAINERS } from '../../../core/pod-size.ts'
import type { Grant } from '../model/grant.ts'

/** `<resource>.<podUid>.<attempt>`, and `.<gate>` (ticket-from-pod.ts). */
const KEY = /^(pull|start)\.([\w-]{1,64})\.([1-9]\d{0,8})(?:\.([a-z0-9-]{1,63}))?$/
/** `shop/web-1: 2 start slots on worker-1` or `shop/web-1: shares a pull on worker-1` (lease-codec.ts). */
const HOLDER =
  /^([a-z0-9-]{1,63})\/([a-z0-9.-]{1,253}): (?:(\d{1,4}) (?:pull|start) slots?|shares a pull) on ([a-z0-9.-]{1,253})$/
/** Where not even that is said. */
const LONG_SECONDS = 600

type Stored = Omit<Grant, 'containers' | 'images' | 'staleContainerIds' | 'createdAtMs' | 'priority'>

/**
 * The grant of a Lease of another version, of which not all is understood (`known` is what is). What is missing comes
 * from the Lease's name and spec, which say whose the slots are, where, how many and for how long. Containers that
 * cannot be known get names that no status shows: their slots are held until the pod is gone or finished, its node is
 * lost, or the timeout, never given back too early. Undefined when even namespace, node or number of slots cannot be
 * known.
 */
export function completedGrant(lease: Lease, known: Partial<Grant>): Grant | undefined {
  const { metadata, spec = {} } = lease
  const identity = identityIn(lease)
  if (!identity) return undefined
  const { resource } = identity
  const [, , , , gate] = KEY.exec(metadata.name ?? '') ?? []
  const { isRider: isHolderRider, ...holder } = holderIn(spec.holderIdentity)
  const { isRider = isHolderRider, ...understood } = known
  const acquiredAtMs = stampMs(spec.acquireTime)
  const stored: Partial<Stored> = {
    gate: (gate ?? (resource === 'pull' ? PULL_GATE : START_GATE)) as Grant['gate'],
    ...holder,
    term: spec.leaseTransitions ?? 0,
    grantedAtMs: acquiredAtMs,
    timeoutMs: (spec.leaseDurationSeconds ?? LONG_SECONDS) * 1_000,
  }
  const ride = isRider && resource === 'pull' ? slotsOfRider(known) : {}
  const merged = { ...stored, ...understood, ...ride, ...identity }
  if (!isPlaced(merged)) return undefined
  return {
    priority: 0,
    createdAtMs: acquiredAtMs,
    images: [],
    staleContainerIds: [],
    containers: unknownContainers(merged),
    ...merged,
  }
}

/**
 * Whose grant a Lease is, by its name: whatever its annotation says, the API server lets nobody rename it. Undefined
 * where the name is no grant's.
 */
export function identityIn({ metadata }: Lease): Pick<Grant, 'key' | 'podUid' | 'attempt' | 'resource'> | undefined {
  const [key, resource, podUid, attempt] = KEY.exec(metadata.name ?? '') ?? []
  if (key === undefined || podUid === undefined) return undefined
  return { key, podUid, attempt: Number(attempt), resource: resource === 'pull' ? 'pull' : 'start' }
}

/** Who holds how much where, as the spec says it; nothing where it does not. */
function holderIn(text = ''): Partial<Stored> {
  const [, namespace, podName, slots, nodeName] = HOLDER.exec(text) ?? []
  if (!namespace || !podName || !nodeName) return {}
  const place = { namespace, podName, nodeName }
  return slots === undefined ? { ...place, isRider: true } : { ...place, slots: Number(slots) }
}

/**
 * Whether others pull a rider's images, so that it needs no slot, is told by its images alone. Where they are not known
 * it holds one, as any pull.
 */
function slotsOfRider({ images }: Partial<Grant>): Pick<Grant, 'slots' | 'isRider'> {
  return images ? { slots: 0, isRider: true } : { slots: 1 }
}

function isPlaced(grant: Partial<Stored>): grant is Stored {
  const { namespace, podName, nodeName, slots = -1 } = grant
  return (
    [namespace, podName, nodeName].every(text => text) &&
    Number.isInteger(slots) &&
    slots >= 0 &&
    slots <= MAX_CONTAINERS
  )
}

/** One a slot; a pull holds one, whatever its steps. */
function unknownContainers({ resource, slots }: Stored): string[] {
  const count = resource === 'pull' ? 1 : slots
  return Array.from({ length: count }, (_, index) => `unknown container ${index + 1} of ${count}`)
}

function stampMs(stamp: string | undefined): number {
  const ms = Date.parse(stamp ?? '')
  return Number.isNaN(ms) ? 0 : ms
}
