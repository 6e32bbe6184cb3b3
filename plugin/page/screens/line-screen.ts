import type { ComponentChildren, VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { State } from '../../../core/state-api.ts'
import type { WaitingGate } from '../../../core/state-rows.ts'
import { emptyWords, type Line, type LineRow, lineOf, lineRow, scopeOfLine } from '../model/line.ts'
import { lineHref } from '../model/route.ts'
import { count, number, usedWords } from '../model/words.ts'
import { Empty, PodLink, Search } from '../parts/bits.ts'
import { html } from '../parts/html.ts'
import { type ColumnOf, Rows } from '../parts/rows.ts'
import type { ScreenProps } from './screen-props.ts'
import { useFocus } from './use-focus.ts'

/** Of the row's words, which are made for rows that can be seen only. */
const COLUMNS: readonly (Omit<ColumnOf<never>, 'cell'> & { cell: (row: LineRow) => ComponentChildren })[] = [
  { id: 'place', title: 'Place', cell: row => row.place },
  { id: 'pod', title: 'Pod', cell: row => html`<${PodLink} namespace=${row.namespace} pod=${row.pod} />` },
  { id: 'containers', title: 'Starts', cell: row => html`<span title=${row.containers}>${row.containers}</span>` },
  { id: 'node', title: 'Node', cell: row => html`<span title=${row.node}>${row.node}</span>` },
  { id: 'reason', title: 'Why', cell: row => html`<span title=${`${row.cause}: ${row.reason}`}>${row.reason}</span>` },
  { id: 'waits', title: 'Has waited', cell: row => row.waits },
  { id: 'estimate', title: 'Expected in', cell: row => row.estimate },
]

const hrefOf = ({ namespace, pod }: WaitingGate): string =>
  `#/pods/${encodeURIComponent(namespace)}/${encodeURIComponent(pod)}`

export function LineScreen({ view, state, route }: ScreenProps): VNode {
  const [filter, setFilter] = useState('')
  const id = route.screen === 'line' ? route.line : 'all'
  const scope = scopeOfLine(state, id)
  const { state: focused } = useFocus(scope === undefined ? undefined : { scope })
  const [whole, setWhole] = useWhole(id)
  const told = whole ? { ...state, waiting: whole } : withRows(state, focused)
  const nowMs = view.clock.nowMs()
  const line = useMemo(() => lineOf(told, id, filter), [told.waiting, state.scopes, id, filter])
  const columns = columnsAt(nowMs)
  return html`
    <h1>Line</h1>
    <div class="split">
      <${Choices} line=${line} />
      <section class="panel is-grown" aria-label=${line.chosen.title}>
        <div class="panel-head">
          <h2>${line.chosen.title}</h2>
          <${Search} label="Pod, namespace or node" value=${filter} onValue=${setFilter} />
        </div>
        <${About} line=${line} />
        ${
          line.rows.length === 0
            ? html`<${Empty}>${emptyWords(line, filter)}<//>`
            : html`<${Rows} label=${`Gates that wait: ${line.chosen.title}`} rows=${line.rows} columns=${columns} href=${hrefOf} lines=${3} />`
        }
        <${Cut} line=${line} filter=${filter} whole=${whole} setWhole=${setWhole} scope=${scope} nowMs=${nowMs} />
      </section>
    </div>
  `
}

/** Each row is put into words once, by its first column. */
function columnsAt(nowMs: number): ColumnOf<WaitingGate>[] {
  let latest: { gate: WaitingGate; row: LineRow } | undefined
  return COLUMNS.map(({ cell, ...column }) => ({
    ...column,
    cell: gate => {
      latest = latest?.gate === gate ? latest : { gate, row: lineRow(gate, nowMs) }
      return cell(latest.row)
    },
  }))
}

/** The rows of the one line that was asked for anew; scopes and nodes are the page's. */
function withRows(state: State, focused: State | undefined): State {
  return focused ? { ...state, waiting: focused.waiting } : state
}

function Choices({ line }: { line: Line }): VNode {
  return html`<nav class="lines" aria-label="Lines">
    ${line.choices.map(
      ({ id, title, gates, detail, isFrozen }) => html`<a
        key=${id}
        href=${lineHref(id)}
        aria-current=${id === line.chosen.id ? 'true' : undefined}
      >
        <span class="lines-title">${title}</span>
        <span class="lines-count">${number(gates)}</span>
        <span class="lines-detail ${isFrozen ? 'is-warn' : ''}">${detail}</span>
      </a>`,
    )}
    ${line.moreChoices > 0 && html`<p class="lines-more">and ${count(line.moreChoices, 'shorter line')}</p>`}
  </nav>`
}

function About({ line }: { line: Line }): VNode | null {
  const { scope } = line
  if (!scope) return null
  return html`<p class="about">
    <span>${usedWords(scope)} slots in use${scope.debt > 0 ? `, ${scope.debt} of them without a slot` : ''}.</span>
    ${scope.source !== undefined && html` <span class="muted">Written in: ${scope.source}.</span>`}
    ${scope.frozen && html` <strong class="is-warn">Frozen: nobody starts here.</strong>`}
  </p>`
}

interface Whole {
  atMs: number
  total: number
  items: WaitingGate[]
}

interface CutProps {
  line: Line
  filter: string
  whole: Whole | undefined
  setWhole: (whole: Whole | undefined) => void
  scope: string | undefined
  nowMs: number
}

/** Where not all rows are told: how many there are, and a picture of all of them. */
function Cut({ line, filter, whole, setWhole, scope, nowMs }: CutProps): VNode | null {
  const [problem, setProblem] = useState('')
  const [isLoading, setLoading] = useState(false)
  if (whole)
    return html`<p class="cut">
      All ${count(whole.items.length, 'gate')} as they were ${Math.max(0, Math.round((nowMs - whole.atMs) / 1000))} s ago.
      <button type="button" onClick=${() => setWhole(undefined)}>Go on live</button>
    </p>`
  if (filter !== '' || line.rows.length >= line.total) return null
  const load = async (): Promise<void> => {
    setLoading(true)
    setProblem('')
    try {
      setWhole(await wholeLine(scope))
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
    setLoading(false)
  }
  return html`<p class="cut">
    The first ${number(line.rows.length)} of ${number(line.total)}; the others come after them.
    <button type="button" disabled=${isLoading} onClick=${load}>${isLoading ? 'Reading …' : 'Show all of them'}</button>
    ${problem && html`<span class="is-bad" role="alert">${problem}</span>`}
  </p>`
}

async function wholeLine(scope: string | undefined): Promise<Whole> {
  const answer = await fetch(`line${scope === undefined ? '' : `?${new URLSearchParams({ scope })}`}`)
  if (!answer.ok) throw new Error((await answer.text()).trim().slice(0, 300))
  return (await answer.json()) as Whole
}

/** The picture of a whole line, until another line is chosen. */
function useWhole(id: string): [Whole | undefined, (whole: Whole | undefined) => void] {
  const [known, setKnown] = useState<{ id: string; whole: Whole | undefined }>()
  return [known?.id === id ? known.whole : undefined, whole => setKnown({ id, whole })]
}
