import { spawn } from 'node:child_process'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clusterDown, clusterUp } from './cluster/cluster.ts'

interface Counts {
  passed: number
  failed: number
}

const ARTIFACTS = 'artifacts'
const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Runs a command with its output shown; resolves with its exit code, 1 when it could not be run. */
function run(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: 'inherit', env })
    child.on('error', error => {
      say(`${command}: ${error.message}`)
      resolve(1)
    })
    child.on('exit', code => resolve(code ?? 1))
  })
}

async function check(name: string, command: string, args: string[]): Promise<Counts> {
  say(`\n> ${name}`)
  const failed = (await run(command, args)) === 0 ? 0 : 1
  return { passed: 1 - failed, failed }
}

/** A vitest project; a run that dies before it can report counts as one failure. */
async function suite(project: string, env: NodeJS.ProcessEnv): Promise<Counts> {
  say(`\n> ${project} tests`)
  const report = join(ARTIFACTS, `${project}.json`)
  await rm(report, { force: true })
  const code = await run(
    'vitest',
    ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    env,
  )
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(await readFile(report, 'utf8')) as Record<
      string,
      number
    >
    // A skipped test shows nothing, so it does not count as done; a file that fails to load has no tests of its own.
    const failed = (numFailedTests ?? 0) + (numPendingTests ?? 0)
    return { passed: numPassedTests ?? 0, failed: failed === 0 && code !== 0 ? 1 : failed }
  } catch {
    return { passed: 0, failed: 1 }
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })
  const startedMs = Date.now()
  await mkdir(ARTIFACTS, { recursive: true })
  const counts: Counts[] = []
  counts.push(await check('types', 'tsc', ['--noEmit']))
  counts.push(await check('lint and format', 'biome', ['check', '--error-on-warnings']))
  const down = (): Promise<void> => clusterDown({ log: say })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void down().finally(() => process.exit(130)))
  try {
    say('\n> cluster')
    const cluster = await clusterUp({ log: say })
    counts.push(await suite('unit', cluster.env))
    counts.push(await suite('e2e', cluster.env))
  } catch (error) {
    say(`cannot bring the cluster up: ${error instanceof Error ? error.message : String(error)}`)
    counts.push({ passed: 0, failed: 1 })
  } finally {
    if (!values.keep) await down()
  }
  const total = (field: keyof Counts): number => counts.reduce((sum, count) => sum + count[field], 0)
  say(`\n${Math.round((Date.now() - startedMs) / 1000)} s in all`)
  say(`${total('passed')} passed, ${total('failed')} failed`)
  return total('failed') === 0 ? 0 : 1
}

process.exitCode = await main()
