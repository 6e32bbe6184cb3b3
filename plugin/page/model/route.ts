import { NODE_FILTERS, type NodeFilter } from './nodes.ts'

/** What the part of the address after `#` shows. */
export type Route =
  | { screen: 'overview' }
  | { screen: 'line'; line: string }
  | { screen: 'nodes'; filter: NodeFilter }
  | { screen: 'pods' }
  | { screen: 'pod'; namespace: string; pod: string }
  | { screen: 'herd' }

export function routeOf(hash: string): Route {
  const [screen, ...rest] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decoded)
  const [first = '', second = ''] = rest
  switch (screen) {
    case 'line':
      return { screen, line: first || 'all' }
    case 'nodes':
      return { screen, filter: NODE_FILTERS.find(filter => filter === first) ?? 'all' }
    case 'pods':
      return first && second ? { screen: 'pod', namespace: first, pod: second } : { screen }
    case 'herd':
      return { screen }
    default:
      return { screen: 'overview' }
  }
}

export const podHref = (namespace: string, pod: string): string =>
  `#/pods/${encodeURIComponent(namespace)}/${encodeURIComponent(pod)}`

export const lineHref = (id: string): string => `#/line/${encodeURIComponent(id)}`

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
