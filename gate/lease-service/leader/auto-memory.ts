import type { Clock } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import { type LearnedLimits, NOTHING_LEARNED, shifted } from '../auto/learned.ts'
import type { AutoStore } from '../store/auto-store.ts'
import type { TermState } from './term-state.ts'

interface Deps {
  clock: Clock
  log: Logger
}

/** What leaders before this one found, by this process's monotonic clock; nothing where it cannot be read. */
export async function loadLearned(store: AutoStore, { clock, log }: Deps): Promise<LearnedLimits> {
  try {
    const learned = await store.load()
    const [nowMs, wallMs] = [clock.monotonicMs(), clock.wallMs()]
    return shifted(learned, atMs => nowMs - Math.max(0, wallMs - atMs))
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'cannot read the automatic limits that were found before')
    return NOTHING_LEARNED
  }
}

/** Best effort: what is lost is learned anew. A term that has not begun does not know yet which nodes there are. */
export async function saveLearned(
  { autos, hasBegun }: Pick<TermState, 'autos' | 'hasBegun'>,
  { autoStore, clock, log }: Deps & { autoStore?: AutoStore },
): Promise<void> {
  if (!hasBegun) return
  const aheadMs = clock.wallMs() - clock.monotonicMs()
  try {
    await autoStore?.save(shifted(autos.learned(), atMs => atMs + aheadMs))
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'cannot save the automatic limits that were found')
  }
}
