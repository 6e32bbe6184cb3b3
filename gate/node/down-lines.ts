import { cut } from '../../core/errors.ts'
import type { GateVerdict } from '../../core/lease-api.ts'

/** Longest reason in a line, so that with all escapes it stays below MAX_DOWN_LINE. */
const LONGEST_REASON = 300

/** What stands in each line of a gate's log. */
export interface GateLogFields {
  gate: string
  podUid: string
  attempt: number
}

/** A line of the gate's log as pino writes it (gate/pod/main.ts), with the word before it. */
export function logLine(wallMs: number, fields: GateLogFields & Record<string, unknown>, msg: string): string {
  const time = new Date(wallMs).toISOString()
  return `log ${printable({ level: 30, time, part: 'gate', ...bounded(fields), msg })}`
}

/** What the gate writes to its termination message, with the word before it. */
export function verdictLine(verdict: GateVerdict): string {
  return `${verdict.verdict === 'granted' ? 'go' : 'open'} ${printable(bounded(verdict))}`
}

/** `seconds`: until the gate is to fail open; Infinity: it never does. */
export function beatLine(leftMs: number): string {
  return Number.isFinite(leftMs) ? `beat ${Math.max(0, Math.ceil(leftMs / 1_000))}` : 'beat'
}

/** The shell quotes the reason in a log line of its own, and escapes nothing. */
export function directLine(reason: string): string {
  return `direct ${cut(reason, LONGEST_REASON)
    .replaceAll(/["\\]/g, "'")
    .replaceAll(/[^\x20-\x7e]/g, '?')}`
}

function bounded<T extends object>(fields: T): T {
  const reason = (fields as { reason?: unknown }).reason
  return typeof reason === 'string' ? { ...fields, reason: cut(reason, LONGEST_REASON) } : fields
}

/** JSON in printable ASCII: what reaches a terminal by way of a gate's log must not command it. */
function printable(value: object): string {
  return JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
