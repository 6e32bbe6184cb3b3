import { parseArgs } from 'node:util'
import { clusterDown, clusterUp } from '../cluster/cluster.ts'
import { DEFAULT_NAME } from '../cluster/paths.ts'
import { allowParallelPulls } from '../faults/parallel-pulls.ts'
import { installStartgate, uninstallStartgate } from '../harness/install.ts'
import { Kubectl } from '../harness/kubectl.ts'
import { DEMO_VALUES } from './demo-values.ts'
import { type Measured, runHerd, type Stage } from './herd.ts'
import { LIMIT, pullingHerd, startingHerd } from './herds.ts'
import { Screen } from './screen.ts'
import { broken, type Figure, renderSummary } from './summary.ts'

const USAGE = 'usage: npm run demo [-- --keep] [-- --name CLUSTER]   --keep leaves the cluster up'

async function demo(name: string, signal: AbortSignal): Promise<boolean> {
  const screen = new Screen()
  const log = (line: string) => screen.say(`  ${line}`)
  screen.say('A Kubernetes of our own: a control plane and two workers')
  const cluster = await clusterUp({ name, nodes: 2, log })
  signal.throwIfAborted()
  const kubectl = new Kubectl(cluster.env)
  const stage: Stage = { cluster, kubectl, screen, signal }
  await allowParallelPulls(cluster, kubectl)
  await uninstallStartgate(cluster)
  const starts = await runHerd(stage, startingHerd(false))
  const pulls = await runHerd(stage, await pullingHerd(cluster, false))

  screen.say('\nhelm install startgate')
  await installStartgate(cluster, { values: DEMO_VALUES, log })
  signal.throwIfAborted()
  const gatedStarts = await runHerd(stage, startingHerd(true))
  const gatedPulls = await runHerd(stage, await pullingHerd(cluster, true))

  const figures = [...startFigures(starts, gatedStarts), ...pullFigures(pulls, gatedPulls)]
  screen.say('\nThe same workloads, without and with startgate:\n')
  for (const line of renderSummary(figures)) screen.say(`  ${line}`)
  for (const figure of broken(figures)) screen.say(`\nthe limit did not hold: ${figure.what}`)
  return broken(figures).length === 0
}

function startFigures(ungated: Measured, gated: Measured): Figure[] {
  const count = (what: string, field: 'starting' | 'stamped'): Figure => ({
    what,
    unit: 'count',
    limit: LIMIT,
    ungated: ungated[field],
    gated: gated[field],
  })
  return [
    count('starting at once, by a watch on pods', 'starting'),
    count('starting at once, by the containers', 'stamped'),
    { what: 'first pod ready after', unit: 'ms', ungated: ungated.firstReadyMs, gated: gated.firstReadyMs },
    { what: 'all pods ready after', unit: 'ms', ungated: ungated.allReadyMs, gated: gated.allReadyMs },
  ]
}

function pullFigures(ungated: Measured, gated: Measured): Figure[] {
  return [
    {
      what: "pulling at once, by the registry's log",
      unit: 'count',
      limit: 2,
      ungated: ungated.pulling,
      gated: gated.pulling,
    },
    {
      what: 'first of the cold pods ready after',
      unit: 'ms',
      ungated: ungated.firstReadyMs,
      gated: gated.firstReadyMs,
    },
    { what: 'all cold pods ready after', unit: 'ms', ungated: ungated.allReadyMs, gated: gated.allReadyMs },
  ]
}

/** Ctrl-C ends the demo at its next step, so that what it made can be taken away; a second one ends it at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      process.stderr.write('\ninterrupted: cleaning up (once more to end at once)\n')
      controller.abort(new Error('interrupted'))
    })
  }
  return controller.signal
}

async function main(): Promise<void> {
  const options = {
    keep: { type: 'boolean', default: false },
    name: { type: 'string', default: DEFAULT_NAME },
  } as const
  const { values } = parseArgs({ options })
  const signal = abortOnSignals()
  try {
    if (!(await demo(values.name, signal))) process.exitCode = 1
  } finally {
    if (signal.aborted) process.exitCode = 130
    if (values.keep)
      process.stdout.write(
        '\nThe cluster stays up: eval "$(npm run -s cluster:up)", and npm run cluster:down when done.\n',
      )
    else await clusterDown({ name: values.name, log: line => process.stderr.write(`  ${line}\n`) })
  }
}

main().catch((error: unknown) => {
  const said = error instanceof Error ? (process.env.STARTGATE_DEBUG ? error.stack : error.message) : String(error)
  process.stderr.write(`${said}\n`)
  if (said?.includes('Unknown option')) process.stderr.write(`${USAGE}\n`)
  process.exitCode ||= 1
})
