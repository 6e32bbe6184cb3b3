import type { Paint } from '../output/paint.ts'
import { printable } from '../output/paint.ts'
import type { Finding, LintReport, Message } from './lint.ts'

const VERDICTS = {
  denied: ['red', 'denied'],
  ungated: ['yellow', 'not gated'],
  skipped: ['dim', 'skipped'],
  gated: ['green', 'gated'],
  read: ['dim', 'read'],
} as const

const OFFLINE =
  'Not known offline: LimitRanges, ResourceQuotas and namespace annotations that are not in the files, which images nodes have, what other webhooks change.'

/** The report for people: a line an object, a line below for each message, and what it comes to. */
export function lintText({ findings, unreadable, assumedNamespaces }: LintReport, paint: Paint): string {
  const lines = [
    ...unreadable.map(u => `${placeOf(u)}: ${paint('red', 'unreadable')}: ${printable(u.sentence)}`),
    ...findings.flatMap(finding => findingLines(finding, paint)),
    '',
    summary({ findings, unreadable, assumedNamespaces }),
    ...(assumedNamespaces.length > 0
      ? [`Taken as opted in, as they are not in the files: ${few(assumedNamespaces.map(printable))}.`]
      : []),
    ...(findings.length > 0 ? [OFFLINE] : []),
  ]
  return `${lines.join('\n').replace(/^\n/, '')}\n`
}

function findingLines(finding: Finding, paint: Paint): string[] {
  const [colour, word] = VERDICTS[finding.verdict]
  const name = finding.namespace === undefined ? finding.name : `${finding.namespace}/${finding.name}`
  const messages = finding.messages.map(message => `  ${messageLine(finding.file, message, paint)}`)
  return [`${placeOf(finding)}: ${printable(`${finding.kind} ${name}`)}: ${paint(colour, word)}`, ...messages]
}

function messageLine(file: string, { line, level, sentence }: Message, paint: Paint): string {
  const colour = level === 'denied' ? 'red' : level === 'warning' ? 'yellow' : 'dim'
  return `${printable(file)}:${line}: ${paint(colour, level)}: ${printable(sentence)}`
}

function placeOf({ file, line, document }: { file: string; line: number; document: number }): string {
  return `${printable(file)}:${line} (document ${document})`
}

function few(names: readonly string[]): string {
  return names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`
}

function summary({ findings, unreadable }: LintReport): string {
  const count = (verdict: Finding['verdict']) => findings.filter(f => f.verdict === verdict).length
  const warnings = findings.flatMap(f => f.messages).filter(({ level }) => level === 'warning').length
  const parts = [
    [count('denied'), 'denied'],
    [count('ungated'), 'not gated'],
    [count('skipped'), 'skipped'],
    [count('gated'), 'gated'],
    [unreadable.length, 'unreadable'],
    [warnings, warnings === 1 ? 'warning' : 'warnings'],
  ] as const
  const said = parts.flatMap(([number, what]) => (number > 0 ? [`${number} ${what}`] : []))
  return said.length > 0 ? `${said.join(', ')}.` : 'Nothing here that startgate reads.'
}
