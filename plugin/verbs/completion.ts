import { Argument, type Command } from 'commander'
import { candidates, directiveText } from '../completion/candidates.ts'
import { completionScript, SHELLS, type Shell } from '../completion/scripts.ts'
import type { Io } from '../model/io.ts'

export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .description('print the script that completes commands in a shell')
    .addArgument(new Argument('<shell>', 'shell').choices(SHELLS))
    .action((shell: Shell) => io.out(completionScript(shell)))
}

/** A first argument that shells' scripts and kubectl send; what follows is no command line yet, and is not parsed. */
export const COMPLETE = '__complete'

export function complete(program: Command, words: readonly string[], io: Io): void {
  io.out(directiveText(candidates(program, words)))
}
