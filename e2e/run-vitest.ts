import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SuiteResult } from './suite-times.ts'

export const ARTIFACTS = 'artifacts'

export const say = (line: string): void => void process.stdout.write(`${line}\n`)

export interface RunOptions {
  title: string
  env?: NodeJS.ProcessEnv
  /** Others run at the same time: its output is shown when it has ended, in one piece. */
  isBeside?: boolean
  /** Ends it, or keeps it from beginning, when the whole run is to end. */
  signal?: AbortSignal
}

/** Runs a command with its output shown below a title; resolves with its exit code, 1 when it could not be run. */
function runCommand(command: string, args: string[], options: RunOptions): Promise<number> {
  const { title, env = process.env, isBeside = false, signal } = options
  say(isBeside ? `> ${title}: begun` : `\n> ${title}`)
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: isBeside ? ['ignore', 'pipe', 'pipe'] : 'inherit', env, signal })
    const output: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk))
    child.on('error', error => {
      say(`${command}: ${error.message}`)
      // Who was ended still works until it is gone.
      if (!signal?.aborted) resolve(1)
    })
    child.on('close', code => {
      if (isBeside) say(`\n> ${title}\n${Buffer.concat(output)}`)
      resolve(code ?? 1)
    })
  })
}

/** A command that passes or fails as a whole. */
export async function check(
  title: string,
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<SuiteResult> {
  const startedMs = performance.now()
  const failed = (await runCommand(command, args, { title, env })) === 0 ? 0 : 1
  return { file: title, ms: performance.now() - startedMs, passed: 1 - failed, failed }
}

/** What each test file came to in a run of vitest; one that dies before it can report counts as one failure. */
export async function runVitest(args: string[], options: RunOptions): Promise<SuiteResult[]> {
  if (options.signal?.aborted) return []
  const report = join(ARTIFACTS, `${options.title.replaceAll(' ', '-')}.json`)
  await rm(report, { force: true })
  const reporters = ['--reporter=default', '--reporter=./e2e/suite-times.ts']
  const env = { ...(options.env ?? process.env), STARTGATE_TIMES: report }
  const code = await runCommand('vitest', ['run', ...args, ...reporters], { ...options, env })
  const broken = { file: options.title, ms: 0, passed: 0, failed: 1 }
  try {
    const results = JSON.parse(await readFile(report, 'utf8')) as SuiteResult[]
    return code !== 0 && results.every(({ failed }) => failed === 0) ? [...results, broken] : results
  } catch {
    return [broken]
  }
}
