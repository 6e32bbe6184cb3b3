import { effectivePullPolicy } from '../../core/image-name.ts'
import { DEFAULT_AFTER_MAX_WAIT_MS } from '../lease-service/after/after-waits.ts'
import type { Grant } from '../lease-service/model/grant.ts'
import { imageKeyOf } from '../lease-service/pods/image-key.ts'
import type { Claims } from './claims.ts'
import type { SimPod } from './pod.ts'
import { AFTER, AFTER_MAX_WAIT } from './random-pod.ts'

/*
 * Test support. What a grant must not be for its own pod, whatever the limits: each rule returns the violations that it
 * finds.
 */

/** The kubelet opens gates one by one: a stage before which another one has nothing yet must hold nothing. */
export function checkStage({ gate, key }: Grant, pod: SimPod, claims: Claims): string[] {
  const stages = pod.sequence?.stages ?? []
  const before = stages[stages.findIndex(s => s.gate === gate) - 1]?.gate
  if (before === undefined) return []
  const hasItsTurn = pod.gates.granted.has(before) || pod.gates.failedOpen.has(before) || claims.isPending(pod, before)
  return hasItsTurn ? [] : [`StageSkipped: ${key} before ${before}`]
}

/** No start slot before what the pod comes after is ready, or the pod has waited as long as it may. */
export function checkAfter(
  { resource, gate, key, attempt }: Grant,
  pod: SimPod,
  { nowMs, waitedMs, readyAtMs }: { nowMs: number; waitedMs: number; readyAtMs: ReadonlyMap<string, number> },
): string[] {
  const isLater = (pod.sequence?.stages.findIndex(s => s.gate === gate) ?? 0) > 0
  const { [AFTER]: text = '', [AFTER_MAX_WAIT]: maxWait } = pod.base.metadata.annotations ?? {}
  const maxWaitMs = maxWait === undefined ? DEFAULT_AFTER_MAX_WAIT_MS : Number.parseInt(maxWait, 10) * 1_000
  if (resource !== 'start' || isLater || waitedMs >= maxWaitMs) return []
  return (text.match(/dep-\d/g) ?? []).flatMap(name => {
    const atMs = readyAtMs.get(name) ?? (attempt > 1 ? 0 : Number.POSITIVE_INFINITY)
    return atMs > nowMs ? [`AfterIgnored: ${key} before ${name}`] : []
  })
}

/** Granted without a slot: nothing is left to pull, or what starts has had its slots in this sandbox. */
export function checkFree({ resource, key, namespace, gate, attempt }: Grant, pod: SimPod, claims: Claims): string[] {
  const present = new Set([...pod.world.imagesOn(pod.base.spec.nodeName ?? '')].map(imageKeyOf))
  const isServed =
    pod.gates.passedAtMs.has(gate) || claims.get(`start.${pod.uid}.${attempt}`)?.answeredIn === pod.sandbox
  if (isServed && resource === 'start') return []
  const isFree = resource !== 'start' && imagesOf(pod).every(image => present.has(imageKeyOf(image)))
  return isFree ? [] : [`FreePass: ${key} of ${namespace} passed without a slot`]
}

/** Without a slot: others pull all of it. */
export function checkRide({ key, nodeName, images }: Grant, pod: SimPod, claims: Claims): string[] {
  const others = claims.all().filter(claim => claim.pod !== pod && claim.grant.nodeName === nodeName)
  const pulled = new Set(others.flatMap(({ grant }) => grant.images))
  return images.some(image => !pulled.has(image)) ? [`FreePass: ${key} rides on nobody`] : []
}

/** What is not on the node will be pulled, so it counts for its registry. */
export function checkImages({ key, resource, images }: Grant, pod: SimPod): string[] {
  if (resource !== 'pull') return []
  const present = pod.world.imagesOn(pod.base.spec.nodeName ?? '')
  const missed = imagesOf(pod).find(image => !present.has(image) && !images.includes(imageKeyOf(image)))
  return missed ? [`ImageMissed: ${key} does not count ${missed}`] : []
}

function imagesOf({ base }: SimPod): string[] {
  return [...(base.spec.initContainers ?? []), ...base.spec.containers].flatMap(c =>
    c.image && !c.image.includes('startgate') && effectivePullPolicy(c) !== 'Never' ? [c.image] : [],
  )
}
