import { chmod, copyFile, readFile, rename, writeFile } from 'node:fs/promises'
import { BUSYBOX_IN_IMAGE, type GateName, PULL_GATE, RUN_MARKER_PATH, START_GATE, TRUE_PATH } from '../../core/names.ts'
import { parseRuns, type Runs } from './runs.ts'

const markerOf = (gate: GateName): string => `${RUN_MARKER_PATH}-${gate}`

/** How often the gates of this pod have let it pass; a missing marker is a zero. */
export async function readRuns(): Promise<Runs> {
  const read = async (gate: GateName) => parseRuns(await readFile(markerOf(gate), 'utf8').catch(() => undefined))
  return { pull: await read(PULL_GATE), start: await read(START_GATE) }
}

/** Marks a run as passed. Written aside and renamed: a half-written marker would be a wrong count. */
export async function markRun(gate: GateName, attempt: number): Promise<void> {
  const path = markerOf(gate)
  await writeFile(`${path}.new`, `${attempt}\n`)
  await rename(`${path}.new`, path)
}

/** Puts the static busybox where the image steps find it as `true`. */
export async function placeTrue(): Promise<void> {
  await copyFile(BUSYBOX_IN_IMAGE, `${TRUE_PATH}.new`)
  await chmod(`${TRUE_PATH}.new`, 0o755)
  await rename(`${TRUE_PATH}.new`, TRUE_PATH)
}
