import type { Command, Option } from 'commander'

/** What may stand next on a command line. */
export interface Candidates {
  words: string[]
  /** Whether a file name may stand there too. */
  files: boolean
}

/**
 * Completes the last of `words`, which may be empty; the others stand before it. By the commands and options of the
 * program alone: no cluster is asked while somebody types.
 */
export function candidates(program: Command, words: readonly string[]): Candidates {
  const typed = words.at(-1) ?? ''
  const { command, pending } = walk(program, words.slice(0, -1))
  const starting = (all: readonly string[]): string[] => all.filter(word => word.startsWith(typed)).sort()
  if (pending) {
    return pending.argChoices
      ? { words: starting(pending.argChoices), files: false }
      : { words: [], files: pending.flags.includes('FILE') }
  }
  if (typed.startsWith('-')) {
    const options = [...command.options, ...(command === program ? [] : program.options)].filter(o => !o.hidden)
    return { words: starting([...options.flatMap(o => o.long ?? []), '--help']), files: false }
  }
  const names = command.commands.map(c => c.name())
  const choices = command.registeredArguments.flatMap(argument => argument.argChoices ?? [])
  return { words: starting([...names, ...choices]), files: false }
}

/** The command that the words have reached, and the option whose value comes next. */
function walk(program: Command, words: readonly string[]): { command: Command; pending: Option | undefined } {
  let command = program
  let pending: Option | undefined
  for (const word of words) {
    if (word.startsWith('-')) pending = optionWithValue([...command.options, ...program.options], word)
    // `-f FILE…` takes more, up to the next option.
    else if (pending) pending = pending.variadic ? pending : undefined
    else command = command.commands.find(c => c.name() === word) ?? command
  }
  return { command, pending }
}

function optionWithValue(options: readonly Option[], word: string): Option | undefined {
  const option = options.find(o => o.short === word || o.long === word)
  return option && (option.required || option.optional) ? option : undefined
}

/** As cobra's `__complete` prints them, which kubectl reads from `kubectl_complete-startgate`: 4 is "no file names". */
export function directiveText({ words, files }: Candidates): string {
  return [...words, files ? ':0' : ':4', ''].join('\n')
}
