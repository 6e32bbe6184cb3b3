import type { State } from '../../../core/state-api.ts'
import { type Herd, type HerdLog, MOST_NAMESPACES, startsWaiting } from './herd-log.ts'
import { grantRate, type History } from './history.ts'
import { count, number } from './words.ts'

export interface HerdView {
  kind: 'none' | 'running' | 'done'
  granted: number
  waiting: number
  /** From 0 to 1. */
  progress: number
  startedAtMs: number
  /** How long it took, or has taken. */
  tookMs: number
  /** When the last will be let go; absent where nobody can tell. */
  leftMs?: number
  /** How that is known, or why it is not. */
  basis: string
  /** Gates let go in a minute, over the last minute. */
  perMinute?: number
  namespaces: NamespaceProgress[]
}

export interface NamespaceProgress {
  namespace: string
  granted: number
  waiting: number
  progress: number
}

/** How far the herd is that runs, or that ran last. */
export function herdOf(state: State, { herd }: HerdLog, history: History, nowMs: number): HerdView {
  if (!herd) return NONE
  const waiting = startsWaiting(state)
  const isRunning = herd.quietSinceMs === undefined
  const all = herd.granted + waiting
  const rate = grantRate(history)
  return {
    kind: isRunning ? 'running' : 'done',
    ...{ granted: herd.granted, waiting, progress: all === 0 ? 1 : herd.granted / all },
    startedAtMs: herd.startedAtMs,
    tookMs: Math.max(0, (herd.quietSinceMs ?? nowMs) - herd.startedAtMs),
    ...(isRunning ? leftOf(state, waiting, rate) : { basis: '' }),
    ...(rate !== undefined && { perMinute: Math.round(rate * 60) }),
    namespaces: namespacesOf(state, herd),
  }
}

const NONE: HerdView = {
  ...{ kind: 'none', granted: 0, waiting: 0, progress: 0, startedAtMs: 0, tookMs: 0, basis: '', namespaces: [] },
}

/** The leader's estimate for the last in line where all are told of and have one; else by the pace of now. */
function leftOf(state: State, waiting: number, rate: number | undefined): Pick<HerdView, 'leftMs' | 'basis'> {
  const rows = state.waiting.items.filter(({ resource }) => resource === 'start')
  const going = rows.filter(({ cause }) => cause !== 'frozen')
  const frozen = rows.length - going.length
  const isWhole = rows.length >= waiting
  if (isWhole && going.length === 0) return { basis: 'nobody can tell: all that wait are behind a limit of 0' }
  const but = frozen > 0 ? `, without ${count(frozen, 'gate')} behind a limit of 0` : ''
  const estimates = going.flatMap(({ estimateMs }) => estimateMs ?? [])
  if (isWhole && estimates.length === going.length)
    return { leftMs: Math.max(...estimates), basis: `by the leader’s estimate for the last in line${but}` }
  if (rate !== undefined && rate > 0) {
    const leftMs = ((waiting - frozen) / rate) * 1000
    return { leftMs, basis: `if it goes on at ${number(Math.round(rate * 60))} a minute${but}` }
  }
  return { basis: 'nobody can tell yet: nothing was let go while this page looked' }
}

function namespacesOf({ waiting }: State, { byNamespace }: Herd): NamespaceProgress[] {
  const waits = new Map<string, number>()
  for (const { namespace, resource } of waiting.items)
    if (resource === 'start') waits.set(namespace, (waits.get(namespace) ?? 0) + 1)
  const names = [...new Set([...waits.keys(), ...byNamespace.keys()])]
  return names
    .map(namespace => {
      const [granted, left] = [byNamespace.get(namespace) ?? 0, waits.get(namespace) ?? 0]
      return { namespace, granted, waiting: left, progress: granted / (granted + left) }
    })
    .sort((a, b) => b.waiting - a.waiting || b.granted - a.granted || (a.namespace < b.namespace ? -1 : 1))
    .slice(0, MOST_NAMESPACES)
}
