import type { Readiness } from '../../../core/readiness.ts'
import { SYSTEM_BUS_ADDRESS } from './bus/address.ts'
import { createBusClient } from './bus/bus-client.ts'
import type { Notification } from './notify/datagram.ts'
import { isDaemonUp, readPidFile } from './pid-file.ts'

/** A look costs a file read or a small message. */
const LOOK_MS = 250
/** As of a STATUS=. */
const MAX_STATUS = 200

export interface WatchedDaemon {
  readiness: Readiness
  /** Since when the present run may have written its file, wall clock; undefined while the container may not run. */
  runSinceWallMs: () => number | undefined
  /** Told at each change: `ready`, and `stopping` when it is so no more. */
  onChange: (said: Notification) => void
}

/** Looks again and again whether a container of readiness forking or dbus is up; does nothing for any other. */
export function watchDaemon({ readiness, runSinceWallMs, onChange }: WatchedDaemon): void {
  const look = lookFor(readiness)
  if (!look) return
  let told: { said: Notification; sinceMs: number | undefined } = { said: {}, sinceMs: undefined }
  const again = async (): Promise<void> => {
    const sinceMs = runSinceWallMs()
    const said: Notification = sinceMs === undefined ? {} : await look(sinceMs)
    // A new run has to be told of even if it was up at both looks.
    if (JSON.stringify(said) !== JSON.stringify(told.said) || sinceMs !== told.sinceMs) onChange(said)
    told = { said, sinceMs }
    setTimeout(() => void again(), LOOK_MS)
  }
  void again()
}

type Look = (runSinceWallMs: number) => Promise<Notification>

function lookFor(readiness: Readiness): Look | undefined {
  if (readiness.type === 'forking') {
    // The shell that started this process is PID 1, unless the pod shares one PID namespace.
    const sharesPids = process.ppid !== 1
    return async sinceMs => {
      const isUp = isDaemonUp(await readPidFile(readiness.pidFile, sharesPids), sinceMs)
      return { state: isUp ? 'ready' : 'stopping' }
    }
  }
  if (readiness.type !== 'dbus') return undefined
  const client = createBusClient(readiness.address ?? SYSTEM_BUS_ADDRESS, process.getuid?.() ?? 0)
  return async () => {
    const { isOwned, fault } = await client.nameHasOwner(readiness.busName)
    return { state: isOwned ? 'ready' : 'stopping', status: fault?.slice(0, MAX_STATUS) ?? '' }
  }
}

/** A file system's stamps come from a coarser clock than the wall clock's readers see. */
const COARSE_MS = 20

/** The start of the present run where the pod's status tells it, else the opening of its gate. */
export function runSince(openedWallMs: number | undefined, startedAtMs: number | undefined): number | undefined {
  if (openedWallMs === undefined) return undefined
  return Math.max(startedAtMs ?? 0, openedWallMs - COARSE_MS)
}
