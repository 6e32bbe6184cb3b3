import { readVerdict } from '../../../core/gate-verdict.ts'
import type { GateVerdict } from '../../../core/lease-api.ts'
import { PULL_GATE } from '../../../core/names.ts'
import { isSidecarGate } from '../../../core/passed-gates.ts'
import type { Pod } from '../../../core/pod.ts'
import { isSequenceGate } from '../../../core/sequence.ts'
import { stampMs } from './container-status.ts'

/** Fail-opens older than this have had their Event from an earlier leader, or nobody looks for it any more. */
export const FAIL_OPEN_NEWS_MS = 3_600_000

const MAX_REASON_LENGTH = 200
/** Control characters, line and paragraph separators, and marks that turn a text's direction around. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

export interface FailOpen extends GateVerdict {
  /** Of the gate's container: one failing open is one container. */
  containerId: string
  finishedAtMs: number
}

/**
 * The gates of this pod that failed open, by their termination messages: gates have no API rights, and the service
 * could not be reached. A pod can write any message, so it is only counted and shown.
 */
export function failOpensOf(pod: Pod): FailOpen[] {
  const staying = new Set(pod.spec.initContainers?.filter(isSidecarGate).map(({ name }) => name))
  return (pod.status?.initContainerStatuses ?? []).flatMap(({ name, state, lastState, containerID }) => {
    // One that stays ends once when it fails open, and is started anew.
    const ended = staying.has(name) ? lastState?.terminated : state?.terminated
    if ((name !== PULL_GATE && !isSequenceGate(name)) || !ended?.message) return []
    const { verdict, waitedMs, reason = '' } = readVerdict(ended.message) ?? {}
    if (verdict !== 'failed-open' || waitedMs === undefined) return []
    return [
      {
        ...{ verdict, waitedMs, gate: name, reason: oneLine(reason).slice(0, MAX_REASON_LENGTH) },
        containerId: ended.containerID ?? containerID ?? '',
        finishedAtMs: stampMs(ended.finishedAt) ?? 0,
      },
    ]
  })
}

/** It is shown in Events and on terminals, where line ends and escape sequences would show what nobody said. */
function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, ' ').trim()
}
