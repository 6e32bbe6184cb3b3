/** How far `node-image/kube/build.sh` is. */
export interface CompileState {
  /** Go modules fetched so far. */
  fetched: number
  /** Packages that Go's build cache lacks; absent until they are counted. */
  total?: number
  compiled: number
  /** When they had been counted. */
  sinceMs: number
}

export const NOTHING_COMPILED: CompileState = { fetched: 0, compiled: 0, sinceMs: 0 }

const FETCH = /^go: downloading /
const COUNT = /^packages to compile: (\d+)$/
/** `go build -v` writes the import path of each package that it compiles. */
const PACKAGE = /^[\w./~+-]+$/
/** Before, a rate says nothing. */
const RATE_FROM_MS = 10_000

/** The state after a line of the build's standard error; undefined when the line is no progress, such as a fault. */
export function afterLine(state: CompileState, line: string, nowMs: number): CompileState | undefined {
  if (FETCH.test(line)) return { ...state, fetched: state.fetched + 1 }
  const count = COUNT.exec(line)?.[1]
  if (count !== undefined) return { ...state, total: Number(count), sinceMs: nowMs }
  return state.total !== undefined && PACKAGE.test(line) ? { ...state, compiled: state.compiled + 1 } : undefined
}

/** `412 of 1630 packages compiled, 25 %, about 7 min left`. */
export function compileText({ fetched, total, compiled, sinceMs }: CompileState, nowMs: number): string {
  if (total === undefined) return fetched > 0 ? `fetching Go modules, ${fetched} so far` : 'counting packages'
  if (compiled >= total) return total === 0 ? 'linking' : `${total} packages compiled, linking`
  const said = `${compiled} of ${total} packages compiled, ${Math.floor((100 * compiled) / total)} %`
  const tookMs = nowMs - sinceMs
  return compiled === 0 || tookMs < RATE_FROM_MS
    ? said
    : `${said}, about ${roughly((tookMs / compiled) * (total - compiled))} left`
}

/** Whole minutes, or tens of seconds: nobody can say more exactly. */
function roughly(ms: number): string {
  const seconds = Math.ceil(ms / 10_000) * 10
  return seconds <= 90 ? `${seconds} s` : `${Math.ceil(ms / 60_000)} min`
}
