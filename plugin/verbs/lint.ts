import type { Command } from 'commander'
import type { LintReport } from '../lint/lint.ts'
import type { Finish } from '../model/exit-codes.ts'
import { EXIT } from '../model/exit-codes.ts'
import type { Io } from '../model/io.ts'
import { paintFor } from '../output/paint.ts'
import { structured } from '../output/structured.ts'
import { addManifestOptions, readManifests } from './manifest-options.ts'

export function addLint(program: Command, io: Io, finish: Finish): void {
  const command = program
    .command('lint')
    .description("say offline, by the webhook's own code, what would be denied, warned about or skipped")
    .option('--strict', 'end with 1 on warnings too')
  addManifestOptions(command).action(async (options, self: Command) => {
    const [{ lint }, { lintText }] = await Promise.all([import('../lint/lint.ts'), import('../lint/lint-text.ts')])
    const { objects, config, namespace, format } = await readManifests(options, self, io)
    const report = lint(objects, { config, namespace })
    io.out(format ? structured(report, format) : lintText(report, paintFor(io)))
    finish(exitCodeOf(report, options.strict === true))
  })
}

function exitCodeOf({ findings, unreadable }: LintReport, isStrict: boolean) {
  const hasWarning = findings.some(({ messages }) => messages.some(({ level }) => level === 'warning'))
  if (findings.some(({ verdict }) => verdict === 'denied') || (isStrict && hasWarning)) return EXIT.found
  return unreadable.length > 0 ? EXIT.usage : EXIT.ok
}
