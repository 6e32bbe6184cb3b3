import { chmod, copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import {
  BUSYBOX_IN_IMAGE,
  type GateName,
  LOST_MARKER_PATH,
  PULL_GATE,
  RUN_MARKER_PATH,
  START_GATE,
  TRUE_PATH,
} from '../../core/names.ts'
import { isLostIn, parseRuns, type Runs } from './runs.ts'

const markerOf = (gate: GateName): string => `${RUN_MARKER_PATH}-${gate}`

/** How often the gates of this pod have let it pass; a missing marker is a zero. */
export async function readRuns(): Promise<Runs> {
  const read = async (gate: GateName) => parseRuns(await readFile(markerOf(gate), 'utf8').catch(() => undefined))
  return { pull: await read(PULL_GATE), start: await read(START_GATE) }
}

/** Marks a run as passed. Written aside and renamed: a half-written marker would be a wrong count. */
export async function markRun(gate: GateName, attempt: number): Promise<void> {
  await writeMarker(markerOf(gate), attempt)
}

async function writeMarker(path: string, attempt: number): Promise<void> {
  await writeFile(`${path}.new`, `${attempt}\n`)
  await rename(`${path}.new`, path)
}

/** Whether an earlier gate of this run has failed open, and none has been granted since. */
export async function readLost(attempt: number): Promise<boolean> {
  return isLostIn(attempt, await readFile(LOST_MARKER_PATH, 'utf8').catch(() => undefined))
}

/** Leaves word of a gate's end for the gates after it. Never rejects: without it they only wait longer. */
export async function markLost(attempt: number, isLost: boolean): Promise<void> {
  const write = isLost ? writeMarker(LOST_MARKER_PATH, attempt) : rm(LOST_MARKER_PATH, { force: true })
  await write.catch(() => undefined)
}

/** Puts the static busybox where the image steps find it as `true`. */
export async function placeTrue(): Promise<void> {
  await copyFile(BUSYBOX_IN_IMAGE, `${TRUE_PATH}.new`)
  await chmod(`${TRUE_PATH}.new`, 0o755)
  await rename(`${TRUE_PATH}.new`, TRUE_PATH)
}
