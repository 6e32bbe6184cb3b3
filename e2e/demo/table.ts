import type { Phase } from '../observer/pod-phase.ts'

export interface Row {
  pod: string
  node: string
  phase: Phase
  restarts: number
  waitsFor: string
}

export interface Header {
  title: string
  /** What one is looking at. */
  about: string
  /** What is counted on the last line, and up to which limit; no limit for an ungated run. */
  counted: 'starting' | 'pulling'
  limit?: number
  peak: number
  /** How many pods there will be. */
  pods: number
  elapsedMs: number
}

const COLORS: Record<Phase, number> = { blocked: 90, pending: 33, pulling: 36, starting: 35, ready: 32, failed: 31 }

/** The live table, a line an element, none longer than `width`. With `color`, phases carry ANSI colours. */
export function renderTable(header: Header, rows: Row[], view: { width: number; color: boolean }): string[] {
  const podWidth = columnWidth(
    'POD',
    rows.map(r => r.pod),
  )
  const nodeWidth = columnWidth(
    'NODE',
    rows.map(r => r.node),
  )
  const line = ([pod, node, phase, restarts, waitsFor]: [string, string, string, string, string]) =>
    `${pod.padEnd(podWidth)}${node.padEnd(nodeWidth)}${phase.padEnd(10)}${restarts.padEnd(10)}${waitsFor}`
      .slice(0, view.width)
      .trimEnd()
  const body = rows.map(row =>
    paint(line([row.pod, row.node, row.phase, String(row.restarts), row.waitsFor]), row, view.color),
  )
  return [
    `${header.title}  ${seconds(header.elapsedMs)}`.slice(0, view.width),
    header.about.slice(0, view.width),
    line(['POD', 'NODE', 'PHASE', 'RESTARTS', 'WAITS FOR']),
    ...body,
    countLine(header, rows).slice(0, view.width),
  ]
}

/** The last line of the table, and of what a terminal without cursor movement gets. */
export function countLine({ counted, limit, peak, pods }: Header, rows: Row[]): string {
  const of = (phase: Phase) => rows.filter(r => r.phase === phase).length
  const most = limit === undefined ? 'no limit' : `limit ${limit}`
  const restarts = rows.reduce((sum, row) => sum + row.restarts, 0)
  return `${counted} ${of(counted)} (most so far ${peak}, ${most})   ready ${of('ready')} of ${pods}   restarts ${restarts}`
}

function columnWidth(title: string, values: string[]): number {
  return Math.max(title.length, ...values.map(v => v.length)) + 2
}

function paint(line: string, { phase }: Row, color: boolean): string {
  // The phase is painted after cutting, so that no line ends inside an escape sequence.
  return color ? line.replace(new RegExp(`(?<= )${phase}(?= |$)`), `\u001b[${COLORS[phase]}m${phase}\u001b[0m`) : line
}

/** What a terminal without cursor movement gets: a line for each row that is in another state than before. */
export function changedLines(before: Map<string, string>, rows: Row[], elapsedMs: number): string[] {
  return rows
    .filter(row => before.get(row.pod) !== rowState(row))
    .map(row => {
      const why = row.waitsFor ? `  waits for ${row.waitsFor}` : ''
      return `${seconds(elapsedMs).padStart(8)}  ${row.pod}  ${row.node || '-'}  ${rowState(row)}${why}`
    })
}

/** Phase and restarts: a killed container may run again before its end is seen. */
export function rowState({ phase, restarts }: Row): string {
  return restarts > 0 ? `${phase} (restart ${restarts})` : phase
}

/** `12.3 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
