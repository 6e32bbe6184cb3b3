import type { Edge } from './phase-log.ts'

export interface Placed {
  name: string
  x: number
  y: number
}

export interface Path {
  from: string
  to: string
  isMet: boolean
  condition: string
  /** Of an SVG path. */
  d: string
}

export interface Graph {
  width: number
  height: number
  nodes: Placed[]
  paths: Path[]
}

export const NODE_WIDTH = 148
export const NODE_HEIGHT = 44
const GAP_X = 76
const GAP_Y = 16
const MARGIN = 6

/**
 * Layers from left to right: whoever waits for nobody is in the first, everybody else one to the right of the last it
 * waits for. Inside a layer in the order of `names`. What is part of a circle, which no pod has, stays in the first.
 */
export function layout(names: readonly string[], edges: readonly Edge[]): Graph {
  const layers = layersOf(names, edges)
  const rows = new Map<number, number>()
  const nodes = names.map(name => {
    const layer = layers.get(name) ?? 0
    const row = rows.get(layer) ?? 0
    rows.set(layer, row + 1)
    return { name, x: MARGIN + layer * (NODE_WIDTH + GAP_X), y: MARGIN + row * (NODE_HEIGHT + GAP_Y) }
  })
  const at = new Map(nodes.map(node => [node.name, node]))
  const paths = edges.flatMap(({ from, to, isMet, condition }) => {
    const [a, b] = [at.get(from), at.get(to)]
    return a && b ? [{ from, to, isMet, condition, d: curve(a, b) }] : []
  })
  const columns = Math.max(0, ...rows.keys()) + 1
  return {
    width: 2 * MARGIN + columns * (NODE_WIDTH + GAP_X) - GAP_X,
    height: 2 * MARGIN + Math.max(1, ...rows.values()) * (NODE_HEIGHT + GAP_Y) - GAP_Y,
    nodes,
    paths,
  }
}

/** Kahn's algorithm: linear in nodes and edges. */
function layersOf(names: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const layers = new Map(names.map(name => [name, 0]))
  const waitsFor = new Map(names.map(name => [name, 0]))
  const next = Map.groupBy(edges, edge => edge.from)
  for (const { from, to } of edges) if (layers.has(from)) waitsFor.set(to, (waitsFor.get(to) ?? 0) + 1)
  const free = names.filter(name => waitsFor.get(name) === 0)
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    for (const { to } of next.get(name) ?? []) {
      layers.set(to, Math.max(layers.get(to) ?? 0, (layers.get(name) ?? 0) + 1))
      const left = (waitsFor.get(to) ?? 0) - 1
      waitsFor.set(to, left)
      if (left === 0) free.push(to)
    }
  }
  return layers
}

function curve(a: Placed, b: Placed): string {
  const [x1, y1] = [a.x + NODE_WIDTH, a.y + NODE_HEIGHT / 2]
  const [x2, y2] = [b.x, b.y + NODE_HEIGHT / 2]
  const half = Math.max(24, (x2 - x1) / 2)
  return `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`
}
