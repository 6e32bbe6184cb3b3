import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadImage } from '../../e2e/cluster/cluster.ts'
import { lineLog } from '../../e2e/cluster/line-log.ts'
import type { Manifest } from '../../e2e/harness/kubectl.ts'
import { waitersReady } from '../../e2e/harness/node-waiters.ts'
import { E2E_VALUES, openSession } from '../../e2e/harness/session.ts'
import { untilGatesAre } from '../expected-gates.ts'
import { describeMachine, type Machine } from '../machine.ts'
import { writeResult } from '../results.ts'
import { readyChart } from './chart.ts'
import { herds, type Letter } from './herds.ts'
import { jvmImage } from './java-image.ts'
import { minutesOf, type PlannedRun, parseOptions, planRuns, USAGE } from './options.ts'
import { runHerd, type Stage } from './run.ts'
import { byVariant, firstOverLone, herdTable, medianRun, overBestStatic, type Run } from './summary.ts'
import { jvmApps, sleepers } from './workloads.ts'

const IMAGES = join(import.meta.dirname, '..', '..', 'docs', 'images')

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const log = lineLog(process.stderr, '  ')

/** Ctrl-C ends it after the herd's namespace is taken away; a second one at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort(new Error('interrupted'))
    })
  return controller.signal
}

async function runAll(stage: Stage, machine: Machine, planned: readonly PlannedRun[]): Promise<void> {
  const runs = new Map<Letter, Run[]>()
  for (const [i, run] of planned.entries()) {
    const { usual } = minutesOf(planned.slice(i))
    log(`[${i + 1}/${planned.length}] (${run.letter}) round ${run.round}, ${run.variant}; ${usual} min to go`)
    const own = [...(runs.get(run.letter) ?? []), await runHerd(stage, run)]
    runs.set(run.letter, own)
    // After each run, so that whoever has no time for all of them keeps what there is.
    await write(run.letter, machine, own)
    log(`  ${JSON.stringify({ ...own.at(-1), readyMs: undefined })}`)
    if (planned[i + 1]?.letter !== run.letter) tell(run.letter, own)
  }
}

async function write(letter: Letter, machine: Machine, runs: readonly Run[]): Promise<void> {
  const { title, pods } = herds[letter]
  await writeResult(`herd-${letter}`, { title, machine, runs })
  const series = [...byVariant(runs)].flatMap(([variant, own]) => {
    const run = variant === 'lone' ? undefined : medianRun(own)
    return run ? [{ name: seriesName(variant), readyMs: run.readyMs, untilMs: run.tookMs }] : []
  })
  if (series.length > 0) await writeFile(join(IMAGES, `herd-${letter}.svg`), readyChart({ title, pods }, series))
}

const seriesName = (variant: string): string => (/^\d/.test(variant) ? `${variant} a node` : variant)

function tell(letter: Letter, runs: readonly Run[]): void {
  say(`\n(${letter}) ${herds[letter].title}; medians of ${Math.max(...runs.map(run => run.round))} rounds\n`)
  say(herdTable(runs))
  const best = overBestStatic(runs)
  if (best !== undefined)
    say(`\nauto : the best number of starts, median and last: ${best.map(r => r.toFixed(2)).join(', ')}`)
  const over = firstOverLone(runs)
  if (over !== undefined) say(`\nfirst ready, one start a node, over a lone pod's time: ${over.toFixed(1)} s`)
}

/** A pod as a Deployment would make it. */
function podIn({ metadata, spec }: Manifest): Manifest {
  const { template } = spec as { template: { metadata: object; spec: object } }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name: metadata.name }, spec: template.spec }
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  const planned = planRuns(options)
  const { usual, most } = minutesOf(planned)
  say(`${planned.length} runs, about ${usual} minutes on two cores, ${most} at most; Ctrl-C keeps what is there`)
  const signal = abortOnSignals()
  const session = await openSession({ ...E2E_VALUES, nodeWaiter: { enabled: true } })
  log('the image of the Spring Boot application')
  const image = await jvmImage(session.cluster.env)
  await loadImage(session.cluster, image)
  await waitersReady(session.kubectl)
  log('waiting until the nodes have told that they have it')
  const share = { name: 'probe', node: '', pods: 1 }
  await untilGatesAre(session.kubectl, {
    'a Spring Boot application': { pod: podIn(jvmApps(share, image)), initContainers: 1 },
    'a pod that sleeps': { pod: podIn(sleepers(share)), initContainers: 1 },
  })
  await runAll({ session, jvmImage: image, log, signal }, await describeMachine(session.kubectl), planned)
}

main().catch((error: unknown) => {
  const said = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${said}\n${/^--|Unknown option/.test(said) ? `${USAGE}\n` : ''}`)
  process.exitCode = 1
})
