import { mkdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Cluster, clusterDown, clusterUp } from './cluster/cluster.ts'
import { DEFAULT_NAME } from './cluster/paths.ts'
import { putProductImage } from './framework/install.ts'
import { ARTIFACTS, check, runVitest, say } from './run-vitest.ts'
import type { SuiteResult } from './suite-times.ts'
import { type Arrangement, arrangement, SIDE_BY_SIDE, suitePath } from './suites.ts'

const USAGE = `usage: npm test [-- --keep] [-- --only WORD]
  --keep       leaves the cluster up
  --only WORD  runs the e2e suites with this in their names, and nothing else`

/** Test files faster than this are not worth a line of their own. */
const SLOW_MS = 10_000

const name = process.env.STARTGATE_E2E_CLUSTER ?? DEFAULT_NAME
const seconds = (ms: number): number => Math.round(ms / 1000)

/** All tests that need the cluster. The unit tests, which only compute, take what time the first suites leave: those wait. */
async function onCluster(
  cluster: Cluster,
  { together, alone }: Arrangement,
  withUnit: boolean,
): Promise<SuiteResult[]> {
  const image = await putProductImage(cluster, say)
  const env = { ...cluster.env, STARTGATE_E2E_IMAGE: image }
  const unit = withUnit ? runVitest('unit', ['--project', 'unit'], { env: cluster.env, inBackground: true }) : []
  const suites = (title: string, names: string[], more: string[]) =>
    names.length === 0 ? [] : runVitest(title, ['--project', 'e2e', ...more, ...names.map(suitePath)], { env })
  const parallel = ['--fileParallelism', `--maxWorkers=${SIDE_BY_SIDE}`]
  const first = await suites('e2e side by side', together, parallel)
  // Awaited first: the suites that run alone have the machine to themselves.
  return [...(await unit), ...first, ...(await suites('e2e one by one', alone, []))]
}

function report(results: SuiteResult[], startedMs: number): number {
  const total = (field: 'passed' | 'failed'): number => results.reduce((sum, result) => sum + result[field], 0)
  say('')
  for (const { file, ms, passed, failed } of results.filter(r => r.ms >= SLOW_MS || r.failed > 0))
    say(`${String(seconds(ms)).padStart(5)} s  ${file}: ${passed} passed${failed > 0 ? `, ${failed} FAILED` : ''}`)
  say(`\n${seconds(performance.now() - startedMs)} s in all`)
  say(`${total('passed')} passed, ${total('failed')} failed`)
  return total('failed') === 0 ? 0 : 1
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false }, only: { type: 'string' } } })
  const startedMs = performance.now()
  const suites = arrangement(values.only)
  if (suites.together.length + suites.alone.length === 0) {
    const { together, alone } = arrangement()
    throw new Error(`no e2e suite has "${values.only}" in its name; there are ${[...together, ...alone].join(', ')}`)
  }
  await mkdir(ARTIFACTS, { recursive: true })
  const results: SuiteResult[] = []
  if (values.only === undefined) {
    results.push(await check('types', 'tsc', ['--noEmit']))
    results.push(await check('lint and format', 'biome', ['check', '--error-on-warnings']))
  }
  const down = (): Promise<void> => clusterDown({ name, log: say })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void down().finally(() => process.exit(130)))
  try {
    say('\n> cluster')
    const cluster = await clusterUp({ name, log: say })
    results.push(...(await onCluster(cluster, suites, values.only === undefined)))
  } catch (error) {
    say(`cannot bring the cluster up: ${error instanceof Error ? error.message : String(error)}`)
    results.push({ file: 'cluster', ms: 0, passed: 0, failed: 1 })
  } finally {
    if (!values.keep) await down()
  }
  return report(results, startedMs)
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
