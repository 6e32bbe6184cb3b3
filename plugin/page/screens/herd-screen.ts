import type { VNode } from 'preact'
import { span } from '../../output/span.ts'
import { type HerdView, herdOf, type NamespaceProgress } from '../model/herd.ts'
import { number } from '../model/words.ts'
import { Bar, Empty } from '../parts/bits.ts'
import { html } from '../parts/html.ts'
import type { ScreenProps } from './screen-props.ts'

export function HerdScreen({ view, state }: ScreenProps): VNode {
  const nowMs = view.clock.nowMs()
  const herd = herdOf(state, view.memory.herd, view.memory.history, nowMs)
  return html`
    <h1>Herd</h1>
    ${herd.kind === 'none' ? html`<${Empty}>Nobody has waited for a start slot since this page was opened.<//>` : html`<${Known} herd=${herd} nowMs=${nowMs} />`}
  `
}

function Known({ herd, nowMs }: { herd: HerdView; nowMs: number }): VNode {
  const { kind, granted, waiting, progress, tookMs, startedAtMs, perMinute } = herd
  const percent = Math.floor(progress * 100)
  return html`
    <section class="panel">
      <p class="figure">
        <strong>${kind === 'done' ? 'Done' : `${percent} %`}</strong>
        ${kind === 'done' ? `${number(granted)} let go in ${span(tookMs)}` : `${number(granted)} of ${number(granted + waiting)} let go`}
      </p>
      <${Bar} part=${progress} label="Gates let go" tone=${kind === 'done' ? 'is-done' : ''} />
      <dl class="facts is-wide">
        ${kind === 'running' && html`<div><dt>Done in</dt><dd>${leftWords(herd, nowMs)}</dd></div>`}
        <div><dt>Waiting</dt><dd>${number(waiting)}</dd></div>
        <div><dt>Began</dt><dd>${CLOCK.format(startedAtMs)}, ${span(nowMs - startedAtMs)} ago</dd></div>
        <div><dt>Pace</dt><dd>${perMinute === undefined ? 'not known yet' : `${number(perMinute)} a minute`}</dd></div>
      </dl>
      <p class="hint">${herd.basis ? `${herd.basis.charAt(0).toUpperCase()}${herd.basis.slice(1)}. ` : ''}Counted since this page was opened, by gates that wait for start slots.</p>
    </section>
    <section class="panel">
      <h2>By namespace</h2>
      <${Namespaces} rows=${herd.namespaces} />
    </section>
  `
}

function leftWords({ leftMs }: HerdView, nowMs: number): string {
  return leftMs === undefined ? 'nobody can tell' : `about ${span(leftMs)}, at ${CLOCK.format(nowMs + leftMs)}`
}

function Namespaces({ rows }: { rows: NamespaceProgress[] }): VNode {
  if (rows.length === 0) return html`<${Empty}>Of none a gate is known.<//>`
  return html`<ul class="progresses">
    ${rows.map(
      ({ namespace, granted, waiting, progress }) => html`<li key=${namespace}>
        <span class="progress-name" title=${namespace}>${namespace}</span>
        <${Bar} part=${progress} label=${`Gates of ${namespace} let go`} tone=${waiting === 0 ? 'is-done' : ''} />
        <span class="progress-count">${number(granted)} of ${number(granted + waiting)}</span>
      </li>`,
    )}
  </ul>`
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
