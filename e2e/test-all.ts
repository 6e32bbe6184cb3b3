import { mkdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { abortOnSignals } from './cluster/abort-on-signals.ts'
import { clusterDown, clusterUp } from './cluster/cluster.ts'
import { DEFAULT_NAME } from './cluster/paths.ts'
import { runSuites, secondName } from './run-suites.ts'
import { ARTIFACTS, check, runVitest, say } from './run-vitest.ts'
import type { SuiteResult } from './suite-times.ts'
import { arrangement, namesIn } from './suites.ts'

const USAGE = `usage: npm test [-- --keep] [-- --only WORD]
  --keep       leaves the cluster up
  --only WORD  runs the e2e suites with this in their names, and nothing else`

/** As a shell tells of SIGINT. */
const INTERRUPTED = 130

/** Test files faster than this are not worth a line of their own. */
const SLOW_MS = 10_000

const name = process.env.STARTGATE_E2E_CLUSTER ?? DEFAULT_NAME
const seconds = (ms: number): number => Math.round(ms / 1000)

function report(results: SuiteResult[], startedMs: number): number {
  // A CI that keeps the end of the output alone keeps what failed, too.
  for (const { file, failures = [] } of results) for (const failure of failures) say(`\n${file}: ${failure}`)
  say('')
  const total = (field: 'passed' | 'failed'): number => results.reduce((sum, result) => sum + result[field], 0)
  for (const { file, ms, passed, failed } of results.filter(r => r.ms >= SLOW_MS || r.failed > 0))
    say(`${String(seconds(ms)).padStart(5)} s  ${file}: ${passed} passed${failed > 0 ? `, ${failed} FAILED` : ''}`)
  say(`\n${seconds(performance.now() - startedMs)} s in all`)
  say(`${total('passed')} passed, ${total('failed')} failed`)
  return total('failed') === 0 ? 0 : 1
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false }, only: { type: 'string' } } })
  const startedMs = performance.now()
  const arranged = arrangement(values.only)
  if (namesIn(arranged).length === 0)
    throw new Error(`no e2e suite has "${values.only}" in its name; there are ${namesIn(arrangement()).join(', ')}`)
  await mkdir(ARTIFACTS, { recursive: true })
  const results: SuiteResult[] = []
  if (values.only === undefined) {
    results.push(await check('types', 'tsc', ['--noEmit']))
    results.push(await check('types of the page', 'tsc', ['--noEmit', '-p', 'plugin/page']))
    results.push(await check('lint and format', 'biome', ['check', '--error-on-warnings']))
  }
  const down = async (): Promise<void> => {
    // Of a run that was killed, too.
    await clusterDown({ name: secondName(name), log: say })
    await clusterDown({ name, log: say })
  }
  const signal = abortOnSignals()
  try {
    say('\n> cluster')
    const cluster = await clusterUp({ name, log: say })
    // Before the suites, not beside them: containers that start need both cores, and so do these.
    if (values.only === undefined)
      results.push(...(await runVitest(['--project', 'unit'], { title: 'unit', env: cluster.env, signal })))
    if (!signal.aborted) results.push(...(await runSuites({ cluster, arranged, signal })))
  } catch (error) {
    say(`cannot bring the cluster up: ${error instanceof Error ? error.message : String(error)}`)
    results.push({ file: 'cluster', ms: 0, passed: 0, failed: 1 })
  } finally {
    if (!values.keep || signal.aborted) await down()
  }
  return signal.aborted ? INTERRUPTED : report(results, startedMs)
}

main().then(
  code => {
    process.exitCode = code
  },
  (error: Error) => {
    process.stderr.write(`${error.message}\n${USAGE}\n`)
    process.exitCode = 1
  },
)
