/** The part of `process` that is used here. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  exit(code: number): void
}

export interface Ending<S> {
  /** True from the first signal on. */
  isDraining(): boolean
  /** From now on there is something to drain; until then a signal just ends the process. */
  serving(server: S): void
}

/**
 * At the first SIGTERM or SIGINT drains what is served, then ends the process; later signals change nothing. To be
 * called before anything is waited for: the first process of a container ignores signals that it does not listen for.
 */
export function endOnSignal<S>(drain: (server: S) => Promise<unknown>, source: SignalSource = process): Ending<S> {
  let isDraining = false
  let served: S | undefined
  const end = async (): Promise<void> => {
    if (isDraining) return
    isDraining = true
    if (served !== undefined) await drain(served)
    source.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) source.on(signal, () => void end())
  return {
    isDraining: () => isDraining,
    serving: server => {
      served = server
    },
  }
}
