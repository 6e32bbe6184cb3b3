import type { VNode } from 'preact'
import { type PodView, podOf } from '../model/pod.ts'
import { Empty, Phase } from '../parts/bits.ts'
import { DependencyGraph } from '../parts/graph.ts'
import { html } from '../parts/html.ts'
import { TimelinePicture } from '../parts/timeline.ts'
import type { ScreenProps } from './screen-props.ts'
import { useFocus } from './use-focus.ts'

export function PodScreen({ view, state, route }: ScreenProps): VNode | null {
  const { namespace, pod } = route.screen === 'pod' ? route : { namespace: '', pod: '' }
  const nowMs = view.clock.nowMs()
  const told = podOf(state, view.memory.phases, { namespace, pod }, nowMs)
  const isCut = state.waiting.items.length < state.waiting.total || state.pods.items.length < state.pods.total
  const { state: focused, problem } = useFocus(told && !isCut ? undefined : { namespace, pod })
  const shown = (focused && podOf(focused, view.memory.phases, { namespace, pod }, nowMs)) ?? told
  return html`
    <h1><a href="#/pods">Pods</a> <span class="muted">/</span> ${namespace}/${pod}</h1>
    ${
      shown
        ? html`<${Known} shown=${shown} nowMs=${nowMs} />`
        : html`<${Empty}>${problem ?? (focused ? UNKNOWN : 'Asking the leader …')}<//>`
    }
  `
}

const UNKNOWN =
  'The leader has nothing to tell of this pod: it is past starting, it was never gated, or there is no such pod. kubectl startgate explain POD tells what the API server knows of it.'

function Known({ shown, nowMs }: { shown: PodView; nowMs: number }): VNode {
  const { says, node, isWithoutAgent, waiting, lanes, containers, edges } = shown
  return html`
    <p class="says">${says}${node ? html` <span class="muted">On node ${node}.</span>` : ''}</p>
    ${isWithoutAgent && html`<p class="notice is-warn">Its agent is not connected to the leader: what containers tell it is not known here.</p>`}
    ${waiting.map(
      row => html`<p class="notice is-info" key=${row.id}>
        ${row.needs} for ${row.containers || 'nothing'}: ${row.reason}. Place ${row.place}, has waited ${row.waits}, goes on in ${row.estimate}.
      </p>`,
    )}
    <section class="panel">
      <h2>Phases over time</h2>
      <${TimelinePicture} lanes=${lanes} nowMs=${nowMs} />
    </section>
    ${
      containers.length > 0 &&
      html`<section class="panel">
        <h2>Who waits for whom</h2>
        ${edges.length > 0 ? html`<${DependencyGraph} view=${shown} />` : html`<p class="hint">Nobody waited for another since this page was opened.</p>`}
        <${Containers} rows=${containers} />
      </section>`
    }
  `
}

function Containers({ rows }: { rows: PodView['containers'] }): VNode {
  return html`<div class="scroll-x" tabindex="0" role="group" aria-label="Containers">
    <table>
      <thead>
        <tr><th scope="col">Container</th><th scope="col">Phase</th><th scope="col">Waits for</th><th scope="col">Blocks</th><th scope="col">Notes</th></tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ name, phase, words, waitsFor, blocks, notes }) => html`<tr key=${name}>
            <th scope="row">${name}</th>
            <td><${Phase} phase=${phase} words=${words} /></td>
            <td>${waitsFor || '–'}</td>
            <td>${blocks || '–'}</td>
            <td>${notes || '–'}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
