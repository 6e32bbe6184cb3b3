import { messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'

const INTERVAL_MS = 10_000

/**
 * Looks now and every 10 s at one object, which needs no watch; `what` names it. A look that fails is logged and
 * changes nothing. Returns what ends it.
 */
export function lookAgain(what: string, look: () => Promise<void>, log: Logger): () => void {
  const tryToLook = () => look().catch(error => log.warn({ err: messageOf(error) }, `cannot read ${what}`))
  void tryToLook()
  const timer = setInterval(() => void tryToLook(), INTERVAL_MS).unref()
  return () => clearInterval(timer)
}
