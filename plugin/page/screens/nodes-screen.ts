import type { VNode } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { NodeState } from '../../../core/state-rows.ts'
import { NODE_FILTERS, type NodeFilter, type NodeTile, nodesOf, tileOf } from '../model/nodes.ts'
import { number } from '../model/words.ts'
import { Empty, Search, Slots } from '../parts/bits.ts'
import { html } from '../parts/html.ts'
import { useWindow } from '../parts/window.ts'
import type { ScreenProps } from './screen-props.ts'

const TITLES: Record<NodeFilter, string> = { all: 'All', busy: 'Busy', trouble: 'In trouble' }
const EMPTY: Record<NodeFilter, string> = {
  all: 'There is no such node.',
  busy: 'No node has a slot in use, and nobody waits for one.',
  trouble: 'No node is lost or held back.',
}

export function NodesScreen({ state, route }: ScreenProps): VNode {
  const [part, setPart] = useState('')
  const filter = route.screen === 'nodes' ? route.filter : 'all'
  const { nodes, counts, total, told } = useMemo(() => nodesOf(state, filter, part), [state.nodes, filter, part])
  return html`
    <h1>Nodes</h1>
    <section class="panel is-grown" aria-label="Nodes">
      <div class="panel-head">
        <nav class="choices" aria-label="Which nodes">
          ${NODE_FILTERS.map(
            each => html`<a href="#/nodes/${each}" aria-current=${each === filter ? 'true' : undefined}>
              ${TITLES[each]} <span class="muted">${number(counts[each])}</span>
            </a>`,
          )}
        </nav>
        <${Search} label="Node" value=${part} onValue=${setPart} />
      </div>
      ${nodes.length === 0 ? html`<${Empty}>${total === 0 ? 'The leader knows no node yet.' : EMPTY[filter]}<//>` : html`<${Tiles} nodes=${nodes} />`}
      ${told < total && html`<p class="cut">${number(told)} of ${number(total)} nodes are told of.</p>`}
    </section>
  `
}

const TILE_WIDTH = 236
const TILE_HEIGHT = 146
const GAP = 10

/** As many tiles in a row as there is room for; only rows that can be seen exist. */
function Tiles({ nodes }: { nodes: readonly NodeState[] }): VNode {
  const scroller = useRef<HTMLDivElement>(null)
  const columns = Math.max(1, Math.floor((useWidth(scroller) + GAP) / (TILE_WIDTH + GAP)))
  const height = TILE_HEIGHT + GAP
  const rows = Math.ceil(nodes.length / columns)
  const { first, end } = useWindow(scroller, rows, height)
  const shown = nodes.slice(first * columns, end * columns)
  return html`<div class="tiles" ref=${scroller} tabindex="0" role="group" aria-label="Tiles of nodes">
    <ul class="tiles-all" style=${{ height: `${rows * height}px` }}>
      ${shown.map((node, i) => {
        const index = first * columns + i
        const width = `calc((100% - ${(columns - 1) * GAP}px) / ${columns})`
        const column = index % columns
        return html`<${Tile}
          key=${node.id}
          tile=${tileOf(node)}
          place=${{
            ...{ top: `${Math.floor(index / columns) * height}px`, width, height: `${TILE_HEIGHT}px` },
            left: `calc(${column} * (${width} + ${GAP}px))`,
          }}
        />`
      })}
    </ul>
  </div>`
}

function Tile({ tile, place }: { tile: NodeTile; place: Record<string, string> }): VNode {
  const { name, cores, auto, start, pull, pressure, trouble } = tile
  return html`<li class="tile ${trouble ? `is-${trouble.tone}` : ''}" style=${place}>
    <div class="tile-head">
      <span class="tile-name" title=${name}>${name}</span>
      ${trouble ? html`<span class="tag is-${trouble.tone}" title=${trouble.detail}>${trouble.word}</span>` : html`<span class="muted" title=${auto}>${cores}</span>`}
    </div>
    <${Slots} title="start" slots=${start} />
    <${Slots} title="pull" slots=${pull} />
    <p class="pressures">
      ${
        pressure.length === 0
          ? html`<span class="muted">no pressure told</span>`
          : pressure.map(
              ({
                resource,
                percent,
              }) => html`<span class="pressure" title="Time in which some task waited for ${resource}, of the last 10 s">
                <span class="muted">${resource}</span> ${percent} %
                <span class="gauge" aria-hidden="true"><span style=${{ width: `${percent}%` }}></span></span>
              </span>`,
            )
      }
    </p>
  </li>`
}

function useWidth(place: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = place.current
    if (!element) return
    const look = (): void => setWidth(element.clientWidth)
    look()
    const resized = new ResizeObserver(look)
    resized.observe(element)
    return () => resized.disconnect()
  }, [])
  return width
}
