import type { ComponentChildren, VNode } from 'preact'
import type { ContainerPhase } from '../../../core/state-rows.ts'
import type { SlotBar } from '../model/nodes.ts'
import { podHref } from '../model/route.ts'
import { PHASE_WORDS } from '../model/words.ts'
import { html } from './html.ts'

/** A phase as a coloured mark with its word, so that nobody needs the colour. */
export function Phase({ phase, words }: { phase: ContainerPhase; words?: string }): VNode {
  return html`<span class="phase"><span class="swatch phase-${phase}" aria-hidden="true"></span>${words ?? PHASE_WORDS[phase]}</span>`
}

export function PodLink({ namespace, pod }: { namespace: string; pod: string }): VNode {
  const whole = `${namespace}/${pod}`
  return html`<a class="pod" href=${podHref(namespace, pod)} title=${whole}><span class="muted">${namespace}/</span>${pod}</a>`
}

export function Empty({ children }: { children: ComponentChildren }): VNode {
  return html`<p class="empty">${children}</p>`
}

export function Bar({ part, label, tone = '' }: { part: number; label: string; tone?: string }): VNode {
  const percent = Math.round(Math.max(0, Math.min(1, part)) * 1000) / 10
  return html`<div
    class="bar ${tone}"
    role="progressbar"
    aria-label=${label}
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${Math.round(percent)}
  >
    <div class="bar-fill" style=${{ width: `${percent}%` }}></div>
  </div>`
}

/** Slots as marks where they can be told apart, else as a bar. */
export function Slots({ title, slots }: { title: string; slots: SlotBar }): VNode {
  return html`<div class="slots">
    <div class="slots-words"><span class="muted">${title}</span> <span>${slots.words}</span></div>
    ${
      slots.pips
        ? html`<div class="pips" aria-hidden="true">${slots.pips.map(pip => html`<span class="pip is-${pip}"></span>`)}</div>`
        : html`<div class="bar" aria-hidden="true">
            <div class="bar-fill" style=${{ width: `${slots.used * 100}%` }}></div>
          </div>`
    }
  </div>`
}

export interface SearchProps {
  label: string
  value: string
  onValue: (value: string) => void
}

export function Search({ label, value, onValue }: SearchProps): VNode {
  const typed = (event: Event): void => onValue((event.currentTarget as HTMLInputElement).value)
  return html`<label class="search">
    <span class="search-label">${label}</span>
    <input type="search" value=${value} onInput=${typed} autocomplete="off" spellcheck=${false} maxlength="120" />
  </label>`
}
