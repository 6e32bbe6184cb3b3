import type { Command } from 'commander'
import type { State } from '../../core/state-api.ts'
import { connect } from '../cluster/connect.ts'
import { unusable } from '../model/failure.ts'
import type { Io } from '../model/io.ts'
import { paintFor, printable } from '../output/paint.ts'
import { jsonLine } from '../output/structured.ts'
import { globalOptions } from './global-options.ts'
import { parseRows } from './rows-option.ts'
import { warner } from './warner.ts'

/** Cursor to the top, and everything below it away: no flicker, as after clearing the screen first. */
const HOME = '\u001b[H\u001b[J'
const SHOWN_ROWS = 10

export function addTop(program: Command, io: Io): void {
  program
    .command('top')
    .description('show the same live, with nodes and what was granted of late; with -o json a line for each change')
    .option('--rows <COUNT>', `rows of each table (${SHOWN_ROWS})`, parseRows)
    .action(async ({ rows = SHOWN_ROWS }: { rows?: number }, self: Command) => {
      const { format, namespace, startgateNamespace, ...global } = globalOptions(self)
      if (!format && !io.isTerminal) throw unusable('top needs a terminal; use status, or top -o json')
      if (format === 'yaml') throw unusable('-o: "yaml" is no format of top; use json, which is a line for each change')
      const cluster = await connect(global)
      const [{ followState }, { topText }] = await Promise.all([
        import('../state/state-watch.ts'),
        import('../state/status-text.ts'),
      ])
      const show = (state: State): void => {
        if (format) io.out(`${jsonLine(state)}\n`)
        else io.out(HOME + fitting(topText(state, { paint: paintFor(io), rows }), io))
      }
      const stop = endedByUser()
      await followState({
        cluster,
        startgateNamespace,
        warn: warner(io),
        query: { limit: rows, ...(namespace !== undefined && { namespace }) },
        signal: stop,
        onState: show,
        onTrouble: sentence => io.err(`${printable(sentence)}\n`),
      })
    })
}

/** Lines cut to the terminal's width: one that wraps would push the top away. Colours are cut nowhere in between. */
function fitting(text: string, { columns }: Io): string {
  if (columns === undefined) return text
  return text
    .split('\n')
    .map(line => (line.includes('\u001b') || line.length <= columns ? line : `${line.slice(0, columns - 1)}…`))
    .join('\n')
}

function endedByUser(): AbortSignal {
  const ended = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort())
  return ended.signal
}
