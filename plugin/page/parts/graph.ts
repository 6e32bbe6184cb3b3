import type { VNode } from 'preact'
import { type Graph, layout, NODE_HEIGHT, NODE_WIDTH, type Path, type Placed } from '../model/graph.ts'
import type { PodView } from '../model/pod.ts'
import { html } from './html.ts'

const MOST_LETTERS = 17

/** Who waits for whom, from left to right. The table beside it says the same in words. */
export function DependencyGraph({ view }: { view: PodView }): VNode {
  const graph: Graph = layout(
    view.containers.map(({ name }) => name),
    view.edges,
  )
  return html`<div class="graph" tabindex="0" role="group" aria-label="Dependencies of the containers">
    <svg
      width=${graph.width}
      height=${graph.height}
      viewBox="0 0 ${graph.width} ${graph.height}"
      role="img"
      aria-label=${wordsOf(view)}
    >
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0L8 4L0 8z" />
        </marker>
      </defs>
      ${graph.paths.map(edgeOf)} ${graph.nodes.map(node => nodeOf(node, view))}
    </svg>
  </div>`
}

function edgeOf({ from, to, d, isMet, condition }: Path): VNode {
  return html`<path key=${`${from} ${to}`} class="edge ${isMet ? 'is-met' : ''}" d=${d} marker-end="url(#arrow)">
    <title>${to} ${isMet ? 'waited' : 'waits'} for ${from} to be ${condition}</title>
  </path>`
}

function nodeOf({ name, x, y }: Placed, { containers }: PodView): VNode {
  const row = containers.find(each => each.name === name)
  const short = name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS - 1)}…` : name
  return html`<g key=${name} transform="translate(${x} ${y})" class="vertex phase-${row?.phase ?? 'blocked'}">
    <title>${name}: ${row?.words ?? ''}</title>
    <rect class="vertex-box" width=${NODE_WIDTH} height=${NODE_HEIGHT} rx="4" />
    <rect class="vertex-mark" width="5" height=${NODE_HEIGHT} rx="2" />
    <text x="14" y="18" class="vertex-name">${short}</text>
    <text x="14" y="34" class="vertex-words">${row?.words ?? ''}</text>
  </g>`
}

function wordsOf({ edges }: PodView): string {
  const open = edges
    .filter(({ isMet }) => !isMet)
    .map(({ from, to, condition }) => `${to} waits for ${from} to be ${condition}`)
  return open.length === 0 ? 'No container waits for another any more.' : `${open.join('; ')}.`
}
