import type { VNode } from 'preact'
import type { View } from '../live/store.ts'
import { connectionWords } from '../model/connection.ts'
import { since } from '../model/words.ts'
import { html } from './html.ts'

/** For how long a change of the leader is told. */
const NEWS_MS = 120_000

/** What is wrong with the connection, and who leads since when. Said aloud when it changes. */
export function StatusLine({ view }: { view: View }): VNode {
  const { state, connection, memory, clock } = view
  const trouble = connectionWords(connection)
  const change = memory.leaders.at(-1)
  const isNews = change && clock.nowMs() - change.atMs < NEWS_MS
  return html`
    <div class="status">
      ${
        trouble &&
        html`<p class="notice is-${trouble.tone}">
          <span role="status">${sentence(trouble.text)}</span>
          ${state ? html`<span> What you see is ${since(state.atMs, clock.nowMs())} old.</span>` : ''}
        </p>`
      }
      ${
        isNews &&
        html`<p class="notice is-info" role="status">
          ${change.from === change.to ? `${change.to} began a new term` : `${change.to} took over from ${change.from}`} (term ${change.term}).
        </p>`
      }
      ${state?.namespace !== undefined && html`<p class="notice is-info">Rows of namespace ${state.namespace} only.</p>`}
      ${!state && !trouble && html`<p class="empty" role="status">Looking for the leader …</p>`}
    </div>
  `
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(first) ? first : `${first}.`
}
