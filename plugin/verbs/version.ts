import type { Command } from 'commander'
import { VERSION } from '../../core/version.ts'
import type { Io } from '../model/io.ts'
import { structured } from '../output/structured.ts'
import { globalOptions } from './global-options.ts'

export function addVersion(program: Command, io: Io): void {
  program
    .command('version')
    .description('print the version of this plugin; check tells that of startgate in the cluster')
    .action((_, command: Command) => {
      const { format } = globalOptions(command)
      io.out(format ? structured({ version: VERSION }, format) : `kubectl-startgate ${VERSION}\n`)
    })
}
