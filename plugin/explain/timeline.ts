import type { ContainerStatus } from '../../core/pod.ts'
import type { State } from '../../core/state-api.ts'
import { gateWord, isOurs } from '../cluster/gates.ts'
import { span } from '../output/span.ts'
import type { PodEvent, PodFacts } from './facts.ts'

/** Something that happened to the pod. */
export interface Moment {
  atMs: number
  text: string
  isBad?: true
}

/** Of Events and of what the leader remembers. */
const MOST_EVENTS = 20

/** What happened to the pod, the oldest first; what has no time is left out. */
export function timeline(facts: PodFacts): Moment[] {
  const { metadata, status } = facts.pod
  const moments = [
    moment(metadata.creationTimestamp, 'created'),
    ...(status?.conditions ?? [])
      .filter(({ type, status: is }) => type === 'PodScheduled' && is === 'True')
      .map(({ lastTransitionTime }) =>
        moment(lastTransitionTime, `scheduled to ${facts.pod.spec.nodeName ?? 'a node'}`),
      ),
    ...(status?.initContainerStatuses ?? []).flatMap(containerMoments),
    ...(status?.containerStatuses ?? []).flatMap(containerMoments),
    ...(facts.events.kind === 'known' ? facts.events.value.slice(-MOST_EVENTS).map(eventMoment) : []),
    ...(facts.state.kind === 'known' ? leaderMoments(facts.state.state) : []),
    moment(metadata.deletionTimestamp, 'deleted'),
  ]
  return moments
    .filter((one): one is Moment => one !== undefined)
    .map((one, index) => ({ one, index }))
    .sort((a, b) => a.one.atMs - b.one.atMs || a.index - b.index)
    .map(({ one }) => one)
}

function moment(time: string | null | undefined, text: string, isBad = false): Moment | undefined {
  const atMs = Date.parse(time ?? '')
  return Number.isNaN(atMs) ? undefined : { atMs, text, ...(isBad && { isBad: true as const }) }
}

function containerMoments({ name, state, lastState, restartCount }: ContainerStatus): (Moment | undefined)[] {
  const { running, terminated } = state ?? {}
  const former = lastState?.terminated
  return [
    ...(former ? [moment(former.finishedAt, endText(name, former), former.exitCode !== 0)] : []),
    moment(
      running?.startedAt ?? terminated?.startedAt,
      `${name} started${restartCount > 0 ? ` (restart ${restartCount})` : ''}`,
    ),
    ...(terminated ? [moment(terminated.finishedAt, endText(name, terminated), terminated.exitCode !== 0)] : []),
  ]
}

function endText(
  name: string,
  { exitCode, reason, message }: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>,
): string {
  const word = isOurs({ name }) ? gateWord(message) : undefined
  if (!word) return `${name} ended with ${exitCode}${exitCode === 0 ? '' : reasonText(reason)}`
  const waited = word.waitedMs === undefined ? '' : ` after ${span(word.waitedMs)}`
  if (word.verdict === 'granted') return `${name} was granted${waited}`
  return `${name} failed open${waited}${word.reason === undefined ? '' : `: ${word.reason}`}`
}

const reasonText = (reason: string | undefined): string => (reason ? ` (${reason})` : '')

function eventMoment({ reason, message, type, count, series, ...event }: PodEvent): Moment | undefined {
  const times = series?.count ?? count ?? 1
  const time = series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp
  const text = `${reason ?? 'Event'}: ${(message ?? '').slice(0, 300)}${times > 1 ? ` (${times} times)` : ''}`
  return moment(time, text, type === 'Warning')
}

function leaderMoments({ recent }: State): Moment[] {
  return [
    ...recent.releases.items.map(({ atMs, gate, reason, heldMs }) => ({
      atMs,
      text: `slots of ${gate} came back: ${reason}, after ${span(heldMs)}`,
    })),
    ...recent.timeouts.items.map(({ atMs, container, timeoutMs }) => ({
      atMs,
      text: `${container} was not ready within ${span(timeoutMs)}: its slot went to the next pod`,
      isBad: true as const,
    })),
  ].slice(-MOST_EVENTS)
}
