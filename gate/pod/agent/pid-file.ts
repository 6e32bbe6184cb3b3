import { readFile, stat } from 'node:fs/promises'

export interface PidFileFacts {
  /** Absent when there is none, or it cannot be read. */
  text?: string
  /** Last written, wall clock. */
  writtenAtMs?: number
  /** State letter of the process it names; `none` when there is no such process; absent when it cannot be known. */
  processState?: string
}

/**
 * Whether a PID file says that its daemon runs: it names a process, was written in this run, and the process lives. The
 * last can only be seen where the pod shares one PID namespace; elsewhere the number means nothing here, and the file's
 * being there and fresh must do.
 */
export function isDaemonUp({ text, writtenAtMs, processState }: PidFileFacts, runSinceWallMs: number): boolean {
  if (pidIn(text) === undefined || writtenAtMs === undefined || writtenAtMs < runSinceWallMs) return false
  // Z and X are dead and not yet buried. Source: proc(5).
  return processState === undefined || !['none', 'Z', 'X', 'x'].includes(processState)
}

/** The PID, as systemd reads it: the first line, a number above 0. */
export function pidIn(text: string | undefined): number | undefined {
  const [line = ''] = (text ?? '').split('\n', 1)
  return /^\s*[1-9]\d{0,9}\s*$/.test(line) ? Number(line) : undefined
}

/** Reads the file and, where `sharesPids`, the state of the process it names. Never rejects. */
export async function readPidFile(path: string, sharesPids: boolean): Promise<PidFileFacts> {
  try {
    const { mtimeMs } = await stat(path)
    const text = (await readFile(path, 'utf8')).slice(0, 64)
    const pid = pidIn(text)
    const processState = sharesPids && pid !== undefined ? await processStateOf(pid) : undefined
    return { text, writtenAtMs: mtimeMs, ...(processState !== undefined && { processState }) }
  } catch {
    return {}
  }
}

async function processStateOf(pid: number): Promise<string | undefined> {
  try {
    // The name before it may hold anything, a parenthesis too.
    const line = await readFile(`/proc/${pid}/stat`, 'latin1')
    return line.slice(line.lastIndexOf(')') + 2, line.lastIndexOf(')') + 3)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : undefined
  }
}
