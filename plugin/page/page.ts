import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'
import { openStore, type View } from './live/store.ts'
import { type Route, routeOf } from './model/route.ts'
import { Header } from './parts/header.ts'
import { html } from './parts/html.ts'
import { StatusLine } from './parts/status-line.ts'
import { HerdScreen } from './screens/herd-screen.ts'
import { LineScreen } from './screens/line-screen.ts'
import { NodesScreen } from './screens/nodes-screen.ts'
import { OverviewScreen } from './screens/overview-screen.ts'
import { PodScreen } from './screens/pod-screen.ts'
import { PodsScreen } from './screens/pods-screen.ts'

const SCREENS = {
  overview: OverviewScreen,
  line: LineScreen,
  nodes: NodesScreen,
  pods: PodsScreen,
  pod: PodScreen,
  herd: HerdScreen,
}

export function Page(): VNode {
  const view = useView()
  const route = useRoute()
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  // With the drawing, not after it: whoever has chosen something on the new screen is not taken from there.
  useLayoutEffect(() => {
    document.title = `${TITLES[route.screen]} – startgate`
    // Whoever listens hears that there is another screen; the first one is the page itself.
    if (!isFirst.current) main.current?.focus({ preventScroll: true })
    isFirst.current = false
  }, [route.screen])
  const skip = (event: Event): void => {
    event.preventDefault()
    main.current?.focus()
  }
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <${Header} route=${route} view=${view} />
    <main id="main" ref=${main} tabindex="-1">
      ${view && html`<${StatusLine} view=${view} />`}
      ${view?.state === undefined && html`<h1>${TITLES[route.screen]}</h1>`}
      ${view?.state && html`<${SCREENS[route.screen]} view=${view} state=${view.state} route=${route} />`}
    </main>
  `
}

const TITLES: Record<Route['screen'], string> = {
  overview: 'Overview',
  line: 'Line',
  nodes: 'Nodes',
  pods: 'Pods',
  pod: 'Pod',
  herd: 'Herd',
}

/** The view, drawn anew when something changed. */
function useView(): View | undefined {
  const [view, setView] = useState<View>()
  const [, redraw] = useReducer<number, void>(n => n + 1, 0)
  useEffect(() => {
    let frame = 0
    // What comes while a frame is due is drawn with it, and a page that nobody sees has no frames.
    const store = openStore(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        redraw()
      })
    })
    setView(store.view)
    return () => {
      cancelAnimationFrame(frame)
      store.close()
    }
  }, [])
  return view
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  useEffect(() => {
    const changed = (): void => setRoute(routeOf(location.hash))
    addEventListener('hashchange', changed)
    // It may have changed between the first drawing and now.
    changed()
    return () => removeEventListener('hashchange', changed)
  }, [])
  return route
}
