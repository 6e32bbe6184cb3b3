import { parseArgs } from 'node:util'
import { abortOnSignals } from '../cluster/abort-on-signals.ts'
import { clusterDown } from '../cluster/cluster.ts'
import { lineLog } from '../cluster/line-log.ts'
import { DEFAULT_NAME } from '../cluster/paths.ts'
import { LIMIT, STARTS, STARTS_NAMESPACE } from './herds.ts'
import { nextSteps } from './next-steps.ts'
import { tellStory } from './story.ts'

const USAGE = 'usage: npm run demo [-- --keep] [-- --name CLUSTER]   --keep leaves the cluster up'

function stepsAfter({ name, keep }: { name: string; keep: boolean }): string[] {
  const herd = { namespace: STARTS_NAMESPACE, deployment: 'web', pods: STARTS, limit: LIMIT }
  return nextSteps(herd, { name, isDefault: name === DEFAULT_NAME, kept: keep })
}

async function main(): Promise<void> {
  const options = {
    keep: { type: 'boolean', default: false },
    name: { type: 'string', default: DEFAULT_NAME },
  } as const
  const { values } = parseArgs({ options })
  const signal = abortOnSignals()
  try {
    if (!(await tellStory(values.name, signal))) process.exitCode = 1
    for (const line of ['', ...stepsAfter(values)]) process.stdout.write(`${line}\n`)
  } finally {
    if (signal.aborted) process.exitCode = 130
    // Also after a fault: whoever keeps the cluster may want to see why.
    if (values.keep) process.stdout.write('\nThe cluster stays up; npm run cluster:down takes it down.\n')
    else await clusterDown({ name: values.name, log: lineLog(process.stderr, '  ') })
  }
}

main().catch((error: unknown) => {
  const said = error instanceof Error ? (process.env.STARTGATE_DEBUG ? error.stack : error.message) : String(error)
  process.stderr.write(`${said}\n`)
  if (said?.includes('Unknown option')) process.stderr.write(`${USAGE}\n`)
  process.exitCode ||= 1
})
