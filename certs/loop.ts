/** Runs one asynchronous check again and again, never two at a time. */
export interface Loop {
  /**
   * Runs the check now, or once more after the running one, which may have read too early. Resolves when it is done.
   */
  poke(): Promise<void>
  stop(): void
}

/**
 * Starts at once; `delayMs` is asked after each check when to run the next. `check` handles its own failures. Timers do
 * not keep the process alive.
 */
export function startLoop(check: () => Promise<void>, delayMs: () => number): Loop {
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const run = (): Promise<void> => {
    clearTimeout(timer)
    running = check().finally(() => {
      running = undefined
      if (!isStopped) timer = setTimeout(() => void poke(), delayMs()).unref()
    })
    return running
  }
  const poke = (): Promise<void> => {
    if (!running) return run()
    following ??= running.then(() => {
      following = undefined
      return run()
    })
    return following
  }
  const stop = (): void => {
    isStopped = true
    clearTimeout(timer)
  }
  void poke()
  return { poke, stop }
}
