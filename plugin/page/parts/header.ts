import type { VNode } from 'preact'
import type { View } from '../live/store.ts'
import type { Route } from '../model/route.ts'
import { html } from './html.ts'

const LINKS: { title: string; href: string; screens: Route['screen'][] }[] = [
  { title: 'Overview', href: '#/overview', screens: ['overview'] },
  { title: 'Line', href: '#/line', screens: ['line'] },
  { title: 'Nodes', href: '#/nodes', screens: ['nodes'] },
  { title: 'Pods', href: '#/pods', screens: ['pods', 'pod'] },
  { title: 'Herd', href: '#/herd', screens: ['herd'] },
]

export function Header({ route, view }: { route: Route; view: View | undefined }): VNode {
  const service = view?.state?.service
  const kind = view?.connection.kind ?? 'connecting'
  const word = kind === 'live' ? 'live' : kind === 'connecting' ? 'connecting' : 'not connected'
  return html`
    <header class="top">
      <span class="brand">startgate</span>
      <nav aria-label="Screens">
        ${LINKS.map(
          ({ title, href, screens }) =>
            html`<a href=${href} aria-current=${screens.includes(route.screen) ? 'page' : undefined}>${title}</a>`,
        )}
      </nav>
      <p class="connection is-${kind}">
        <span class="dot" aria-hidden="true"></span>
        <span>${word}</span>
        ${service && html`<span class="connection-leader" title="The replica that leads">${service.leader.pod}, term ${service.term}</span>`}
      </p>
    </header>
  `
}
