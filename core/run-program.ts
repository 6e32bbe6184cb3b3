import { readFileSync } from 'node:fs'
import { type ClusterConfig, parseClusterConfig } from './cluster-config.ts'
import { messageOf } from './errors.ts'
import { createLogger, type Logger } from './log.ts'

/**
 * Runs a program of the image on the chart's `config.json`; what it cannot start with is one fatal line and exit code
 * 1.
 */
export async function runProgram(
  part: string,
  main: (config: ClusterConfig, log: Logger) => Promise<void>,
): Promise<void> {
  try {
    const text = readFileSync(process.env.STARTGATE_CONFIG ?? '/etc/startgate/config.json', 'utf8')
    const config = parseClusterConfig(text)
    await main(config, createLogger(part, config.logLevel))
  } catch (error) {
    createLogger(part).fatal({ err: error }, messageOf(error))
    process.exit(1)
  }
}
