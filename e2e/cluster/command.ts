import { type ChildProcess, spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { clusterPaths } from './paths.ts'

export interface CommandOptions {
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Text or bytes for standard input. */
  input?: string | Uint8Array
  /** File whose content is standard input. */
  inputFile?: string
  /** File that takes standard output. */
  outputFile?: string
  timeoutMs?: number
  /** Sees each line of standard error as it comes. Those it returns true for are left out of the result. */
  takesLine?: (line: string) => boolean
}

export interface CommandResult {
  stdout: string
  stderr: string
}

/** A command that ended badly: its message is one line that names the command and the end of what it said. */
export class CommandError extends Error {
  readonly result: CommandResult
  readonly exitCode: number | undefined
  constructor(argv: readonly string[], exitCode: number | undefined, result: CommandResult) {
    const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-6).join(' | ')
    super(`${argv.slice(0, 6).join(' ')} failed (${exitCode ?? 'signal'}): ${said}`)
    this.name = 'CommandError'
    this.exitCode = exitCode
    this.result = result
  }
}

/** Environment mark of every process we start, so that `down` finds what a killed `up` left behind. */
export function ownerMark(kind: 'step' | 'daemon'): Record<string, string> {
  return { STARTGATE_OWNER: `${kind}:${process.pid}:${clusterPaths().run}` }
}

/** Runs a command to its end. Throws a CommandError if it fails. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program, ...args] = argv
  if (program === undefined) throw new Error('an empty command')
  const input = options.inputFile ? await open(options.inputFile, 'r') : undefined
  const output = options.outputFile ? await open(options.outputFile, 'w') : undefined
  try {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...(options.env ?? process.env), ...ownerMark('step') },
      stdio: [input?.fd ?? 'pipe', output?.fd ?? 'pipe', 'pipe'],
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    })
    return await finished(child, argv, options)
  } finally {
    await input?.close()
    await output?.close()
  }
}

function finished(
  child: ChildProcess,
  argv: readonly string[],
  { input, takesLine }: CommandOptions,
): Promise<CommandResult> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', chunk => stdout.push(chunk))
  if (takesLine && child.stderr)
    createInterface({ input: child.stderr }).on('line', line => {
      if (!takesLine(line)) stderr.push(Buffer.from(`${line}\n`))
    })
  else child.stderr?.on('data', chunk => stderr.push(chunk))
  // A program may end without reading all of its input; its exit code tells more than EPIPE does.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', cause =>
      reject(new Error(`cannot run ${argv[0]}: ${cause.message}; is it installed?`, { cause })),
    )
    child.on('close', code => {
      const result = { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
      if (code === 0) resolve(result)
      else reject(new CommandError(argv, code ?? undefined, result))
    })
  })
}

/** Runs a command and says only whether it succeeded. */
export async function succeeds(argv: readonly string[], options: CommandOptions = {}): Promise<boolean> {
  return run(argv, options).then(
    () => true,
    () => false,
  )
}
