import { parentPort, workerData } from 'node:worker_threads'
import { runPart } from './seeds.ts'

/* One part of the seeds in a thread of its own, where Node itself loads the modules: see `runApart`. */

const { part, env } = workerData as { part: number; env: NodeJS.ProcessEnv }
parentPort?.postMessage(await runPart(part, env))
