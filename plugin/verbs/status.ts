import type { Command } from 'commander'
import { DEFAULT_LIMIT } from '../../core/state-api.ts'
import { connect } from '../cluster/connect.ts'
import type { Io } from '../model/io.ts'
import { paintFor } from '../output/paint.ts'
import { structured } from '../output/structured.ts'
import { globalOptions } from './global-options.ts'
import { parseRows } from './rows-option.ts'
import { warner } from './warner.ts'

const SHOWN_ROWS = 20

export function addStatus(program: Command, io: Io): void {
  program
    .command('status')
    .description('show the limits, what is held and who waits; of one namespace with -n')
    .option('--rows <COUNT>', `rows of each table, up to 1000 (${SHOWN_ROWS})`, parseRows)
    .action(async ({ rows }: { rows?: number }, self: Command) => {
      const { format, namespace, startgateNamespace, ...global } = globalOptions(self)
      const cluster = await connect(global)
      const { readState, stateClient } = await import('../state/state-client.ts')
      const limit = rows ?? (format ? DEFAULT_LIMIT : SHOWN_ROWS)
      const client = await stateClient({ cluster, startgateNamespace, warn: warner(io) })
      const state = await readState(client, {
        limit,
        ...(namespace !== undefined && { namespace }),
      })
      const { statusText } = await import('../state/status-text.ts')
      io.out(format ? structured(state, format) : statusText(state, { paint: paintFor(io), rows: limit }))
    })
}
