import type { SequencedContainer } from '../../core/state-rows.ts'
import { type Paint, printable } from '../output/paint.ts'
import { span } from '../output/span.ts'
import { table } from '../output/table.ts'
import { estimateText, limitText } from '../state/status-text.ts'
import type { ExplainedGate, Explanation } from './explain.ts'
import type { Moment } from './timeline.ts'

const SHOWN_AHEAD = 5

/** The explanation for people. `nowMs` is what ages are told by. */
export function explainText(explanation: Explanation, { paint, nowMs }: { paint: Paint; nowMs: number }): string {
  const { namespace, pod, node, verdict, waiting, sequence, stateProblem, conditions } = explanation
  const parts = [
    `${paint('bold', printable(`Pod ${namespace}/${pod}`))}${node ? ` on node ${printable(node)}` : ''}: ${printable(verdict.sentence)}\n`,
    arrows(verdict.advice, paint),
    ...waiting.map(gate => gateText(gate, { paint, nowMs })),
    ...(sequence ? [`\nCONTAINERS\n${sequenceText(sequence.containers)}`] : []),
    // The leader's own words of now are newer than those that it wrote.
    ...(stateProblem === undefined ? [] : conditions.map(text => `  condition ${printable(text)}\n`)),
    `\nTIMELINE\n${explanation.timeline.map(moment => momentText(moment, { paint, nowMs })).join('')}`,
    ...(stateProblem === undefined
      ? []
      : [
          `\n${paint('yellow', 'Told from the API alone')}, as the leader cannot be asked: ${printable(stateProblem)}.\n`,
        ]),
  ]
  return parts.join('')
}

interface Shown {
  paint: Paint
  nowMs: number
}

function gateText({ gate, scope, ahead, advice }: ExplainedGate, { paint, nowMs }: Shown): string {
  const what = gate.resource === 'pull' ? 'pull its images' : `start ${gate.containers.join(', ')}`
  const lines = [
    `\n${printable(gate.gate)} waits to ${printable(what)}, for ${span(nowMs - gate.sinceMs)}`,
    `  why:      ${printable(gate.reason)}`,
    `  place:    ${gate.place} of ${gate.of}${gate.scope === undefined ? '' : ` in the line of ${printable(gate.scope)}`}`,
    `  estimate: ${estimateText(gate)}`,
    ...(scope
      ? [
          `  limit:    ${limitText(scope)}, ${scope.held} held${scope.debt > 0 ? `, ${scope.debt} by starts without a slot` : ''}${scope.source ? `; written in: ${printable(scope.source)}` : ''}`,
        ]
      : []),
    ...(ahead.length > 0 ? [`  ahead:    ${aheadText(ahead)}`] : []),
    '',
  ]
  return `${lines.join('\n')}${arrows(advice, paint)}`
}

function aheadText(ahead: ExplainedGate['ahead']): string {
  const names = ahead.slice(-SHOWN_AHEAD).map(({ namespace, pod }) => printable(`${namespace}/${pod}`))
  const more = ahead.length - names.length
  return `${more > 0 ? `${more} more, ` : ''}${names.join(', ')}`
}

function sequenceText(containers: readonly SequencedContainer[]): string {
  const rows = containers.map(({ name, phase, waitsFor, blocks, status, exitCode, restartCount }) => [
    printable(name),
    phase,
    printable(waitsFor.map(({ container, condition }) => `${container} ${condition}`).join(', ')),
    printable(blocks.join(', ')),
    printable(
      [
        status ?? '',
        exitCode === undefined ? '' : `exit code ${exitCode}`,
        restartCount > 0 ? `${restartCount} restarts` : '',
      ]
        .filter(text => text !== '')
        .join(', '),
    ),
  ])
  return table(['NAME', 'PHASE', 'WAITS FOR', 'BLOCKS', 'SAYS'], rows)
}

function momentText({ atMs, text, isBad }: Moment, { paint, nowMs }: Shown): string {
  const ago = atMs > nowMs ? `in ${span(atMs - nowMs)}` : `${span(nowMs - atMs)} ago`
  const shown = printable(text)
  return `  ${ago.padEnd(16)} ${isBad ? paint('yellow', shown) : shown}\n`
}

function arrows(sentences: readonly string[], paint: Paint): string {
  return sentences.map(sentence => `  ${paint('dim', '→')} ${printable(sentence)}\n`).join('')
}
