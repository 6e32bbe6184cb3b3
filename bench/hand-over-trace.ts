import { median, quantile } from './quantiles.ts'

/** What the container runtime did, by its own word. */
export interface RuntimeEvent {
  atMs: number
  what: 'created' | 'started' | 'exited'
  containerId: string
}

const TOPICS: Record<string, RuntimeEvent['what']> = {
  '/containers/create': 'created',
  '/tasks/start': 'started',
  '/tasks/exit': 'exited',
}

/** Of a line of `ctr events`; undefined for what is of no use here, as the end of a probe's program. */
export function runtimeEvent(line: string): RuntimeEvent | undefined {
  const [, date, time, topic = '', json = ''] = /^(\S+) (\S+) \+0000 UTC \S+ (\S+) (\{.*)$/.exec(line) ?? []
  const what = TOPICS[topic]
  if (what === undefined) return undefined
  const { id, container_id: containerId = id } = JSON.parse(json) as { id?: string; container_id?: string }
  if (containerId === undefined || (what === 'exited' && id !== containerId)) return undefined
  return { atMs: Date.parse(`${date}T${time}Z`), what, containerId }
}

/** Moments of one hand-over in ms of the wall clock; those that are not known are left out. */
export type Moments = Partial<Record<Moment, number>>

/** In the order of a hand-over, each with the sentence that a table has for the step up to it. */
const MOMENTS = {
  ready: 'the container is ready, by its own word',
  told: 'its probe has seen it, and the kubelet has told the API server: the watch shows it',
  decided: 'the leader has decided',
  stored: 'the Lease is stored: the watch shows it',
  heard: 'the gate has written that it may go',
  ended: 'the gate has ended, by the container runtime',
  created: 'the kubelet has noticed, and has made the next container',
  runs: 'the container runtime has started it',
  begun: 'its first line of its own',
} as const
export type Moment = keyof typeof MOMENTS

/** A table in Markdown: each step between two known moments, its median and 95th percentile in ms, and the whole. */
export function stepTable(handOvers: readonly Moments[]): string {
  const names = Object.keys(MOMENTS) as Moment[]
  const known = names.filter(name => handOvers.some(moments => moments[name] !== undefined))
  const rows = known.slice(1).map((name, i) => row(MOMENTS[name], between(handOvers, known[i] ?? name, name)))
  const whole = row('**in all**', between(handOvers, 'ready', 'begun'))
  return ['| up to | median | p95 |', '| --- | --- | --- |', ...rows, whole].join('\n')
}

function between(handOvers: readonly Moments[], from: Moment, to: Moment): number[] {
  return handOvers.flatMap(moments => {
    const [a, b] = [moments[from], moments[to]]
    return a === undefined || b === undefined ? [] : [b - a]
  })
}

const row = (what: string, ms: readonly number[]): string =>
  `| ${what} | ${Math.round(median(ms))} ms | ${Math.round(quantile(ms, 0.95))} ms |`
