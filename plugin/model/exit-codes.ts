/** Exit codes of `kubectl startgate`, told in `--help` and in docs/guides/kubectl-plugin.md: scripts depend on them. */
export const EXIT = {
  ok: 0,
  /** The verb did its work and found something wrong: a denied pod, a check that fails. */
  found: 1,
  /** An option, a file or a value that cannot be used. */
  usage: 2,
  /** The cluster or startgate in it could not be asked: unreachable, no right, not installed, too old, no leader. */
  unavailable: 3,
  /** A fault of the plugin itself. */
  fault: 4,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Tells the program how a verb ended, where it is not 0. */
export type Finish = (code: ExitCode) => void
