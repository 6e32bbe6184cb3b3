import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { type PodChoice, podChoices } from '../model/pod.ts'
import { PHASE_WORDS } from '../model/words.ts'
import { Empty, PodLink, Search } from '../parts/bits.ts'
import { html } from '../parts/html.ts'
import { type ColumnOf, Rows } from '../parts/rows.ts'
import type { ScreenProps } from './screen-props.ts'

const COLUMNS: readonly ColumnOf<PodChoice>[] = [
  { id: 'pod', title: 'Pod', cell: row => html`<${PodLink} namespace=${row.namespace} pod=${row.pod} />` },
  {
    id: 'phases',
    title: 'Containers',
    cell: ({ phases }) =>
      html`<span class="swatches" role="img" aria-label=${phases.map(phase => PHASE_WORDS[phase]).join(', ') || 'no order among them'}>
        ${phases.length === 0 && '–'}${phases.map(phase => html`<span class="swatch phase-${phase}" title=${PHASE_WORDS[phase]}></span>`)}
      </span>`,
  },
  { id: 'reason', title: 'What', cell: ({ what }) => html`<span title=${what}>${what}</span>` },
]

const hrefOf = ({ namespace, pod }: PodChoice): string =>
  `#/pods/${encodeURIComponent(namespace)}/${encodeURIComponent(pod)}`

export function PodsScreen({ view, state }: ScreenProps): VNode {
  const [filter, setFilter] = useState('')
  const rows = podChoices(state, view.memory.phases, filter)
  return html`
    <h1>Pods</h1>
    <section class="panel is-grown" aria-label="Pods">
      <div class="panel-head">
        <h2>Pods that wait or start in order</h2>
        <${Search} label="Pod or namespace" value=${filter} onValue=${setFilter} />
      </div>
      ${
        rows.length === 0
          ? html`<${Empty}>${filter.trim() ? `No such pod waits or starts in order; open #/pods/NAMESPACE/POD for any other.` : 'No pod waits, and none is starting in order.'}<//>`
          : html`<${Rows} label="Pods" rows=${rows} columns=${COLUMNS} href=${hrefOf} lines=${2} />`
      }
    </section>
  `
}
