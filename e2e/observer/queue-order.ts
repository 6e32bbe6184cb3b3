import type { ObservedPod } from './cluster-events.ts'

export interface Overtaking {
  earlier: string
  later: string
  byMs: number
}

interface Wait {
  name: string
  uid: string
  createdAtMs: number
  fromMs: number
  toMs: number
}

/**
 * Pods of one namespace whose gate waited and that were let go later than one made after them (equal ages: the greater
 * UID). Stamps of containers have whole seconds, so an overtaking of 1 s is none. `slackMs`: a gate needs so long from
 * its start until it is in line.
 */
export function overtakings(pods: ObservedPod[], { slackMs }: { slackMs: number }): Overtaking[] {
  const waits = pods.flatMap(waitOf)
  return waits.flatMap(earlier =>
    waits
      .filter(
        later => isBefore(earlier, later) && earlier.fromMs + slackMs < later.toMs && later.toMs + 1_000 < earlier.toMs,
      )
      .map(later => ({ earlier: earlier.name, later: later.name, byMs: earlier.toMs - later.toMs })),
  )
}

function isBefore(a: Wait, b: Wait): boolean {
  return a.createdAtMs < b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.uid < b.uid)
}

function waitOf({ metadata, status }: ObservedPod): Wait[] {
  const gate = status?.initContainerStatuses?.find(s => s.name === 'startgate-start')?.state?.terminated
  if (!gate?.startedAt || !gate.finishedAt) return []
  const { name, uid, creationTimestamp = '' } = metadata
  return [
    {
      name,
      uid,
      createdAtMs: Date.parse(creationTimestamp),
      fromMs: Date.parse(gate.startedAt),
      toMs: Date.parse(gate.finishedAt),
    },
  ]
}
