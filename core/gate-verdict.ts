import type { GateVerdict } from './lease-api.ts'

/** The kubelet takes no longer termination message. */
const MOST_LENGTH = 4_096

/**
 * Reads the termination message of a gate, field by field: one that is not as it should be is left out. A pod can write
 * any message, so what it says is its own word. Undefined for what is no JSON object.
 */
export function readVerdict(message: string | undefined): Partial<Omit<GateVerdict, 'gate'>> | undefined {
  if (message === undefined || message.length > MOST_LENGTH) return undefined
  const value = parsed(message)
  if (typeof value !== 'object' || value === null) return undefined
  const { verdict, waitedMs, reason, attempt } = value as Record<string, unknown>
  return {
    ...((verdict === 'granted' || verdict === 'failed-open') && { verdict }),
    ...(typeof waitedMs === 'number' && { waitedMs }),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof attempt === 'number' && { attempt }),
  }
}

function parsed(message: string): unknown {
  try {
    return JSON.parse(message)
  } catch {
    return undefined
  }
}
