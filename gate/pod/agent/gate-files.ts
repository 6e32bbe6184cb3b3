import { constants, watch } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import type { GateVerdict } from '../../../core/lease-api.ts'
import { FIFO_DIRECTORY, type GateName } from '../../../core/names.ts'
import { gateMarker } from '../../../core/pod-scripts.ts'

/** A write of up to PIPE_BUF bytes is whole or not at all, and a termination message has the same limit. */
const MAX_REASON = 1_000

/**
 * Tells of each gate once that it is here and once that it has passed, in this attempt. Looks at once, when the
 * directory changes, and at each call of what it returns: not every file system tells of changes.
 */
export function watchGates(
  gates: readonly GateName[],
  attempt: number,
  onMark: (kind: 'here' | 'passed', gate: GateName) => void,
): () => void {
  const left = new Map(
    gates.flatMap(gate =>
      (['here', 'passed'] as const).map(kind => [
        gateMarker(gate, kind, attempt).split('/').at(-1) ?? '',
        { kind, gate },
      ]),
    ),
  )
  const look = async (): Promise<void> => {
    const files = new Set(await readdir(FIFO_DIRECTORY).catch(() => []))
    for (const [file, { kind, gate }] of [...left]) if (files.has(file) && left.delete(file)) onMark(kind, gate)
  }
  try {
    watch(FIFO_DIRECTORY, () => void look()).on('error', () => undefined)
  } catch {
    // Then the caller's looking must do.
  }
  void look()
  return () => void look()
}

/** Tells a gate that listens to go on. A gate that has gone meanwhile is no fault: it comes back or has passed. */
export async function openGate(gate: GateName, verdict: GateVerdict): Promise<void> {
  const reason = verdict.reason?.slice(0, MAX_REASON)
  const line = `go ${JSON.stringify({ ...verdict, ...(reason !== undefined && { reason }) })}\n`
  // For reading too, and without waiting: an open for writing only would wait for a reader.
  const fifo = await open(`${FIFO_DIRECTORY}/${gate}`, constants.O_RDWR | constants.O_NONBLOCK)
  try {
    await fifo.write(line)
  } finally {
    await fifo.close()
  }
}
