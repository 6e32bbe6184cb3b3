import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { View } from '../live/store.ts'
import { type Column, drawn } from '../model/history.ts'
import { type Happening, type Overview, overviewOf, type ResourceCard } from '../model/overview.ts'
import { count, DEBT_WORDS, number, RESOURCE_WORDS, since } from '../model/words.ts'
import { Bar, Empty, PodLink } from '../parts/bits.ts'
import { Chart, type Series } from '../parts/chart.ts'
import { html } from '../parts/html.ts'
import type { ScreenProps } from './screen-props.ts'

export function OverviewScreen({ view, state }: ScreenProps): VNode {
  const nowMs = view.clock.nowMs()
  const overview = overviewOf(state, nowMs)
  return html`
    <h1>Overview</h1>
    <${Notices} overview=${overview} />
    <div class="cards">
      ${overview.resources.map(card => html`<${Resource} card=${card} key=${card.resource} />`)}
      <${Leader} overview=${overview} />
    </div>
    <${Charts} view=${view} overview=${overview} />
    <section class="panel">
      <h2>Lately</h2>
      <${Lately} rows=${overview.lately} nowMs=${nowMs} />
    </section>
  `
}

function Notices({ overview }: { overview: Overview }): VNode | null {
  if (overview.notices.length === 0) return null
  return html`<ul class="notices">
    ${overview.notices.map(
      ({ id, tone, text, href }) =>
        html`<li key=${id} class="notice is-${tone}">${text}.${href ? html` <a href=${href}>Show</a>` : ''}</li>`,
    )}
  </ul>`
}

function Resource({ card }: { card: ResourceCard }): VNode {
  const { resource, held, debt, limit, from, gates, slots, longest } = card
  const used = held + debt
  return html`<section class="card">
    <h2>${RESOURCE_WORDS[resource]}</h2>
    <p class="figure">
      <strong>${number(used)}</strong> ${limit === undefined ? 'slots in use' : html`of ${number(limit)} slots in use`}
    </p>
    <${Bar} part=${limit ? used / limit : 0} label=${`${RESOURCE_WORDS[resource]}: slots in use`} />
    <dl class="facts">
      <div><dt>Waiting</dt><dd>${gates === 0 ? 'nobody' : `${count(gates, 'gate')} for ${count(slots, 'slot')}`}</dd></div>
      <div><dt>Longest wait</dt><dd>${longest ?? '–'}</dd></div>
      <div><dt>Limit</dt><dd>${limit === undefined ? 'none that holds for all of it' : (from ?? '–')}</dd></div>
      ${debt > 0 && html`<div><dt>Of them</dt><dd title=${DEBT_WORDS}>${number(debt)} without a slot</dd></div>`}
    </dl>
  </section>`
}

function Leader({ overview }: { overview: Overview }): VNode {
  const { leader, version, term, leadsFor } = overview.service
  return html`<section class="card">
    <h2>Leader</h2>
    <p class="figure is-name">${leader}</p>
    <dl class="facts">
      <div><dt>Leads for</dt><dd>${leadsFor}</dd></div>
      <div><dt>Term</dt><dd>${term}</dd></div>
      <div><dt>Version</dt><dd>${version}</dd></div>
    </dl>
  </section>`
}

const STARTING: Series[] = [
  { label: 'in use', colour: 'held', kind: 'area' },
  { label: 'limit', colour: 'limit', kind: 'limit' },
]
const WAITING: Series[] = [
  { label: 'to start', colour: 'held', kind: 'line' },
  { label: 'to pull', colour: 'pulling', kind: 'line' },
]

function Charts({ view, overview }: { view: View; overview: Overview }): VNode {
  const [span, setSpan] = useState<'seconds' | 'minutes'>('seconds')
  const data = (columns: Column[]): (number | null)[][] => drawn(view.memory.history, span, ['at', ...columns])
  const [start, pull] = overview.resources
  const says = (card: ResourceCard | undefined): string =>
    card ? `${card.held + card.debt} of ${card.limit ?? 'any number'} now` : ''
  return html`<section class="panel">
    <div class="panel-head">
      <h2>Slots over time</h2>
      <div class="choices" role="group" aria-label="Time shown">
        ${(['seconds', 'minutes'] as const).map(
          each => html`<button type="button" aria-pressed=${span === each} onClick=${() => setSpan(each)}>
            ${each === 'seconds' ? '15 min' : '24 h'}
          </button>`,
        )}
      </div>
    </div>
    <div class="charts">
      <${Chart} title="Start slots" series=${STARTING} data=${data(['startHeld', 'startLimit'])} says=${says(start)} />
      <${Chart} title="Pull slots" series=${STARTING} data=${data(['pullHeld', 'pullLimit'])} says=${says(pull)} />
      <${Chart}
        title="Slots waited for"
        series=${WAITING}
        data=${data(['startWaiting', 'pullWaiting'])}
        says=${`${start?.slots ?? 0} to start and ${pull?.slots ?? 0} to pull now`}
      />
    </div>
    <p class="hint">Since this page was opened: the leader keeps no history.</p>
  </section>`
}

const MARKS: Record<Happening['kind'], string> = {
  granted: 'starting',
  ready: 'ready',
  ended: 'blocked',
  'timed out': 'timed-out',
  'failed open': 'failed',
}

function Lately({ rows, nowMs }: { rows: Happening[]; nowMs: number }): VNode {
  if (rows.length === 0) return html`<${Empty}>Nothing was granted since this leader took over.<//>`
  return html`<ol class="lately">
    ${rows.map(
      ({ id, atMs, pod, namespace, kind, detail }) => html`<li key=${id}>
        <span class="when">${since(atMs, nowMs)} ago</span>
        <span class="swatch phase-${MARKS[kind]}" aria-hidden="true"></span>
        <${PodLink} namespace=${namespace} pod=${pod} />
        <span class="what">${kind === 'failed open' ? 'failed open: ' : ''}${detail}</span>
      </li>`,
    )}
  </ol>`
}
