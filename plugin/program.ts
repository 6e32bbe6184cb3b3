import { Command, CommanderError } from 'commander'
import { messageOf } from '../core/errors.ts'
import { EXIT, type ExitCode, type Finish } from './model/exit-codes.ts'
import { Failure } from './model/failure.ts'
import type { Io } from './model/io.ts'
import { printable } from './output/paint.ts'
import { addCheck } from './verbs/check.ts'
import { addCompletion, COMPLETE, complete } from './verbs/completion.ts'
import { addExplain } from './verbs/explain.ts'
import { addFreeze, addResume } from './verbs/freeze.ts'
import { addGlobalOptions } from './verbs/global-options.ts'
import { addInject } from './verbs/inject.ts'
import { addLint } from './verbs/lint.ts'
import { addPlan } from './verbs/plan.ts'
import { addStatus } from './verbs/status.ts'
import { addTop } from './verbs/top.ts'
import { addUi } from './verbs/ui.ts'
import { addVersion } from './verbs/version.ts'

const EXIT_CODES = `
Exit codes: 0 all is well; 1 something wrong was found; 2 an option or a file cannot be used;
3 the cluster, or startgate in it, cannot be asked; 4 a fault of the plugin.`

/**
 * Runs one command line (without the names of node and the program). Returns the exit code; everything that goes wrong
 * is one sentence on `io.err`.
 */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok
  try {
    const program = buildProgram(io, found => {
      code = found
    })
    const [first, ...words] = args
    if (first === COMPLETE) complete(program, words, io)
    else await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return failed(error, io)
  }
}

function buildProgram(io: Io, finish: Finish): Command {
  const program = new Command('kubectl startgate')
    .description('Shows what startgate does in a cluster, and says beforehand what it will do with a manifest.')
    .showHelpAfterError('(--help tells what there is)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: text => io.out(text), writeErr: text => io.err(text) })
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
  addGlobalOptions(program)
  addCheck(program, io, finish)
  addStatus(program, io)
  addTop(program, io)
  addUi(program, io)
  addExplain(program, io)
  addFreeze(program, io)
  addResume(program, io)
  addLint(program, io, finish)
  addInject(program, io, finish)
  addPlan(program, io, finish)
  addCompletion(program, io)
  addVersion(program, io)
  return program
}

function failed(error: unknown, io: Io): ExitCode {
  if (error instanceof CommanderError) {
    // Help that was asked for is no error; commander has written its message itself.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  }
  if (error instanceof Failure) {
    io.err(`error: ${sentenceOf(error)}\n`)
    return error.exitCode
  }
  io.err(`error: a fault of kubectl-startgate: ${sentenceOf(error)}\n`)
  if (io.env.STARTGATE_DEBUG && error instanceof Error) io.err(`${error.stack}\n`)
  return EXIT.fault
}

/** On one line, whatever it quotes. */
function sentenceOf(error: unknown): string {
  return printable(messageOf(error).replace(/\s*\n\s*/g, ' '))
}
