import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { SHARED_PATH } from '../../../core/names.ts'
import { formatSequence } from '../../../core/sequence.ts'
import { type Rules, type SequencingState, startSequencing } from './sequencing-state.ts'

const PATH = `${SHARED_PATH}/agent-state.json`

interface Saved {
  attempt: number
  sequence: string
  state: SequencingState
}

/** What an agent that crashed knew, or a fresh start where there was none in this attempt. */
export function loadState(rules: Rules, wallMs: number, path = PATH): SequencingState {
  try {
    return resumed(rules, JSON.parse(readFileSync(path, 'utf8')) as Partial<Saved>, wallMs)
  } catch {
    return startSequencing(rules)
  }
}

/**
 * Synchronous, since what is done next must not be done twice. Written aside and renamed: half a file would be none.
 */
export function saveState(rules: Rules, state: SequencingState, path = PATH): void {
  const saved: Saved = { attempt: rules.attempt, sequence: formatSequence(rules.sequence), state }
  writeFileSync(`${path}.new`, JSON.stringify(saved))
  renameSync(`${path}.new`, path)
}

/**
 * The state to go on with. Connections are gone, and what was sent while nobody listened is lost: a container that was
 * starting is marked, or its dependents might wait for ever.
 */
export function resumed(rules: Rules, { attempt, sequence, state }: Partial<Saved>, wallMs: number): SequencingState {
  if (attempt !== rules.attempt || sequence !== formatSequence(rules.sequence) || !state) return startSequencing(rules)
  const isOpen = new Set(
    rules.sequence.stages.flatMap((stage, index) =>
      state.stages[index]?.openedMs === undefined ? [] : stage.containers,
    ),
  )
  const tracks = Object.entries(state.tracks).map(([name, track]) => [
    name,
    isOpen.has(name) && !track.word ? { ...track, mayHaveMissed: true, awayUntilWallMs: wallMs } : track,
  ])
  return {
    ...state,
    stages: state.stages.map(stage => ({ ...stage, isAsking: false })),
    tracks: Object.fromEntries(tracks) as SequencingState['tracks'],
  }
}
