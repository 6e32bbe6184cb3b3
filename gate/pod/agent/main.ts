import { createLogger } from '../../../core/log.ts'
import { readLost, readRuns } from '../shared-directory.ts'
import { parseAgentConfig } from './config.ts'
import { AgentRun } from './run.ts'

const log = createLogger('agent')

// The shell that supervises this process ends it in the same moment (core/pod-scripts.ts); this is for one by hand.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(143))

const { config, faults } = parseAgentConfig(process.env)
for (const fault of faults) log.error(fault)
// The shell starts this again, and after some time opens the gates itself.
if (!config) process.exit(1)
// The pull gate is the first container of a sequenced pod and counts the runs.
const { pull } = await readRuns()
const attempt = Math.max(1, pull)
await new AgentRun(config, { attempt, isLost: await readLost(attempt) }, log).run()
log.info('all containers are ready')
process.exit(0)
