import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Line } from '../check/line.ts'
import { connect } from '../cluster/connect.ts'
import { EXIT, type ExitCode, type Finish } from '../model/exit-codes.ts'
import type { Io } from '../model/io.ts'
import { paintFor } from '../output/paint.ts'
import { structured } from '../output/structured.ts'
import { type GlobalOptions, globalOptions } from './global-options.ts'

export function addCheck(program: Command, io: Io, finish: Finish): void {
  program
    .command('check')
    .description('look whether startgate works in this cluster, and say what to do where it does not')
    .option('--pre', 'look whether it can be installed instead')
    .addHelpText(
      'after',
      '\nEnds with 1 where something is wrong, else with 3 where not all could be asked. A pod is tried by dry run.',
    )
    .action(async (options: { pre?: boolean }, self: Command) => {
      const global = globalOptions(self)
      const lines = await linesFor(global, { isPre: options.pre === true, nowMs: io.nowMs() })
      const { checkText } = await import('../check/check-text.ts')
      io.out(global.format ? structured({ lines }, global.format) : checkText(lines, paintFor(io)))
      finish(exitCodeOf(lines))
    })
}

async function linesFor(global: GlobalOptions, { isPre, nowMs }: { isPre: boolean; nowMs: number }): Promise<Line[]> {
  const cluster = await connect(global)
  const { namespace, startgateNamespace } = global
  if (isPre) {
    const { gatherPre, judgePre } = await import('../check/pre.ts')
    return judgePre(await gatherPre(cluster.transport, startgateNamespace))
  }
  const [{ gather }, { judge }] = await Promise.all([import('../check/gather.ts'), import('../check/judge.ts')])
  const facts = await gather({
    cluster,
    nowMs,
    sleep,
    ...(namespace !== undefined && { namespace }),
    ...(startgateNamespace !== undefined && { startgateNamespace }),
  })
  return judge(facts)
}

function exitCodeOf(lines: readonly Line[]): ExitCode {
  const has = (verdict: Line['verdict']) => lines.some(line => line.verdict === verdict)
  if (lines.some(({ id, verdict }) => id === 'api' && verdict === 'bad')) return EXIT.unavailable
  if (has('bad')) return EXIT.found
  return has('unknown') ? EXIT.unavailable : EXIT.ok
}
