import type { VNode } from 'preact'
import { span } from '../../output/span.ts'
import { type Lane, timelineOf } from '../model/timeline.ts'
import { PHASE_WORDS } from '../model/words.ts'
import { Phase } from './bits.ts'
import { html } from './html.ts'

/** Phases over time, a line for each container or gate. */
export function TimelinePicture({ lanes, nowMs }: { lanes: readonly Lane[]; nowMs: number }): VNode | null {
  const timeline = timelineOf(lanes, nowMs)
  if (!timeline) return null
  const used = new Set(timeline.lanes.flatMap(({ bars }) => bars.map(({ phase }) => phase)))
  return html`
    <div class="timeline">
      ${timeline.lanes.map(
        ({ name, bars }) => html`<div class="lane" key=${name}>
          <span class="lane-name" title=${name}>${name}</span>
          <div class="lane-bars" role="img" aria-label=${`${name}: ${wordsOf(bars, nowMs)}`}>
            ${bars.map(
              bar => html`<span
                class="lane-bar phase-${bar.phase} ${bar.toMs === undefined ? 'is-open' : ''}"
                style=${{ left: `${bar.left}%`, width: `${bar.width}%` }}
                title=${wordsOf([bar], nowMs)}
              ></span>`,
            )}
          </div>
        </div>`,
      )}
      <div class="lane axis" aria-hidden="true">
        <span class="lane-name"></span>
        <div class="lane-bars">
          ${timeline.marks.map(({ left, afterMs }) => html`<span class="mark" style=${{ left: `${left}%` }}>${afterMs === 0 ? '0' : span(afterMs)}</span>`)}
        </div>
      </div>
    </div>
    <ul class="legend">
      ${[...used].map(phase => html`<li><${Phase} phase=${phase} /></li>`)}
    </ul>
  `
}

function wordsOf(bars: { phase: keyof typeof PHASE_WORDS; fromMs: number; toMs?: number }[], nowMs: number): string {
  return bars
    .map(
      ({ phase, fromMs, toMs }) =>
        `${PHASE_WORDS[phase]} for ${span((toMs ?? nowMs) - fromMs)}${toMs === undefined ? ' so far' : ''}`,
    )
    .join(', then ')
}
