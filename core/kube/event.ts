import { createHash } from 'node:crypto'

/** What an Event is about. `namespace` is absent for objects without one; for a Namespace it may be its own name. */
export interface EventSubject {
  kind: string
  name: string
  uid: string
  namespace?: string
  apiVersion?: string
}

export interface EventFacts {
  regarding: EventSubject
  type: 'Normal' | 'Warning'
  /** PascalCase, at most 128 characters. */
  reason: string
  note: string
  component: string
  wallMs: number
  /** Events of one id are one, as long as the API server keeps it; by default all of the above, the time included. */
  id?: string
}

/**
 * UTF-8 bytes; a longer note is cut and marked. events.k8s.io/v1, through which the Event can be read too, says that a
 * note has 1 kB at most. The API server refuses more than 1024 bytes only where `eventTime` is set, as it is not here
 * (pkg/apis/core/validation/events.go of Kubernetes).
 */
const MAX_NOTE_BYTES = 1000

/**
 * A core/v1 Event: what `kubectl describe` looks up by involvedObject and prints with its source and age. The name
 * comes from the content, so that sending it a second time after a lost answer is no second Event.
 */
export function eventObject(
  facts: EventFacts,
): { metadata: { name: string; namespace: string } } & Record<string, unknown> {
  const { regarding, type, reason, note, component, wallMs, id } = facts
  const namespace = regarding.namespace ?? (regarding.kind === 'Namespace' ? regarding.name : 'default')
  const digest = createHash('sha256')
    .update(id ?? JSON.stringify(facts))
    .digest('hex')
    .slice(0, 16)
  // A name that is cut must not end in what a name cannot end in.
  const about = regarding.name.slice(0, 200).replace(/[^a-z0-9]+$/i, '')
  const time = new Date(wallMs).toISOString()
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${about}.${digest}`, namespace },
    involvedObject: { apiVersion: 'v1', ...regarding, namespace },
    type,
    reason,
    message: cut(note),
    source: { component },
    reportingComponent: component,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  }
}

/** Ends with a whole character. */
function cut(note: string): string {
  const { read } = new TextEncoder().encodeInto(note, new Uint8Array(MAX_NOTE_BYTES))
  return read < note.length ? `${note.slice(0, read)} …` : note
}
