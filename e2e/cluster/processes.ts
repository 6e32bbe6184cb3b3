import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterPaths } from './paths.ts'

function readProc(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** Whether a process still runs (a zombie does not). */
export function isAlive(pid: number): boolean {
  const state = readProc(pid, 'stat').replace(/^.*\) /s, '')[0]
  if (state !== undefined) return state !== 'Z' && state !== 'X'
  if (process.platform === 'linux') return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Command line of a process, its arguments joined by spaces; empty if it is gone. */
export function commandLine(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ')
}

/** Processes that carry our mark in their environment (containers' do not), with the pid of who started them. */
function ownedProcesses(kind: 'step' | 'daemon'): { pid: number; starter: number }[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(name => {
      const mark =
        readProc(name, 'environ')
          .split('\0')
          .find(entry => entry.startsWith(`STARTGATE_OWNER=${kind}:`)) ?? ''
      const [, starter, run] = mark.split(':')
      return run === clusterPaths().run && isAlive(Number(name))
        ? [{ pid: Number(name), starter: Number(starter) }]
        : []
    })
}

/** Pids of our daemon and its helpers. */
export function daemonPids(): number[] {
  return ownedProcesses('daemon').map(({ pid }) => pid)
}

/** Pids of steps whose starter was killed. */
export function orphanedSteps(): number[] {
  return ownedProcesses('step').flatMap(({ pid, starter }) => (isAlive(starter) ? [] : [pid]))
}

/** Ends processes: SIGTERM, and after `graceMs` SIGKILL for those still there. */
export async function endProcesses(pids: readonly number[], graceMs: number): Promise<void> {
  for (const pid of pids) signal(pid, 'SIGTERM')
  const deadlineMs = performance.now() + graceMs
  while (pids.some(isAlive) && performance.now() < deadlineMs) await sleep(50)
  for (const pid of pids.filter(isAlive)) signal(pid, 'SIGKILL')
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself in the meantime.
  }
}
