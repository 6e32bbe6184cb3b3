/** Ctrl-C ends a run at its next step, so that what it made can be taken away; a second one ends it at once. */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      process.stderr.write('\ninterrupted: cleaning up (once more to end at once)\n')
      controller.abort(new Error('interrupted'))
    })
  }
  return controller.signal
}
