import { type Colour, type Paint, printable } from '../output/paint.ts'
import type { Line } from './line.ts'

const MARKS: Record<Line['verdict'], [Colour, string]> = {
  ok: ['green', '✓'],
  bad: ['red', '✗'],
  warning: ['yellow', '!'],
  unknown: ['yellow', '?'],
}

/** The lines for people, each with its remedy below, and what they come to. */
export function checkText(lines: readonly Line[], paint: Paint): string {
  const shown = lines.flatMap(({ verdict, sentence, remedy }) => {
    const [colour, mark] = MARKS[verdict]
    const first = `${paint(colour, mark)} ${printable(sentence)}`
    return remedy === undefined ? [first] : [first, `  ${paint('dim', '→')} ${printable(remedy)}`]
  })
  return `${[...shown, '', summary(lines)].join('\n')}\n`
}

function summary(lines: readonly Line[]): string {
  const count = (verdict: Line['verdict']) => lines.filter(line => line.verdict === verdict).length
  const parts = [
    [count('bad'), 'wrong'],
    [count('warning'), 'to look at'],
    [count('unknown'), 'not known'],
    [count('ok'), 'good'],
  ] as const
  return `${parts.flatMap(([number, what]) => (number > 0 ? [`${number} ${what}`] : [])).join(', ')}.`
}
