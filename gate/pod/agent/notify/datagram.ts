/**
 * What one sd_notify datagram says; absent fields were not in it. Source: sd_notify(3) and systemd's
 * service_notify_message: of the states STOPPING=1 wins over READY=1 and this over RELOADING=1; of a variable given
 * twice the first counts; what is not known, BARRIER, MAINPID and WATCHDOG among it, has no meaning here.
 */
export interface Notification {
  state?: 'ready' | 'reloading' | 'stopping'
  /** STATUS=, empty to take it back. */
  status?: string
  errno?: number
  /** EXTEND_TIMEOUT_USEC= in ms, at most MAX_EXTENSION_MS. */
  extendMs?: number
}

/** PIPE_BUF: systemd ignores what is longer, since it has only read a part of it. */
const MAX_BYTES = 4096
/** More than anyone waits for; the lease service has its own, lower cap. */
export const MAX_EXTENSION_MS = 3_600_000
/** Room for one line in a report. */
const MAX_STATUS = 200

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads a datagram; undefined when systemd would ignore all of it (too long, a NUL inside). Never throws. */
export function parseDatagram(bytes: Uint8Array): Notification | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  // One NUL at the end is allowed: C programs send it by mistake.
  const body = bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes
  if (body.includes(0)) return undefined
  // One character a byte: a value that is no UTF-8 must not spoil the lines beside it.
  const lines = Buffer.from(body)
    .toString('latin1')
    .split(/[\n\r]+/)
  const given = (key: string) => lines.find(line => line.startsWith(`${key}=`))?.slice(key.length + 1)
  const state = stateOf(lines)
  const status = decode(given('STATUS'))
  const errno = wholeNumber(given('ERRNO'))
  const extendUsec = wholeNumber(given('EXTEND_TIMEOUT_USEC'))
  return {
    ...(state && { state }),
    ...(status !== undefined && { status }),
    ...(errno !== undefined && { errno }),
    ...(extendUsec !== undefined && { extendMs: Math.min(MAX_EXTENSION_MS, Math.ceil(extendUsec / 1000)) }),
  }
}

function stateOf(lines: string[]): Notification['state'] {
  if (lines.includes('STOPPING=1')) return 'stopping'
  if (lines.includes('READY=1')) return 'ready'
  return lines.includes('RELOADING=1') ? 'reloading' : undefined
}

function decode(latin1: string | undefined): string | undefined {
  if (latin1 === undefined) return undefined
  try {
    return text.decode(Buffer.from(latin1, 'latin1')).slice(0, MAX_STATUS)
  } catch {
    return undefined
  }
}

function wholeNumber(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,20}$/.test(value) ? Number(value) : undefined
}
