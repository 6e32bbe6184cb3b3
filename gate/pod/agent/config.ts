import { InvalidValueError, notValid } from '../../../core/errors.ts'
import { AGENT_ENV } from '../../../core/names.ts'
import { parseSequence, type Sequence } from '../../../core/sequence.ts'
import { durationOf, type LeaseConfig, parseLeaseConfig } from '../config.ts'

export interface AgentConfig extends LeaseConfig {
  sequence: Sequence
  startTimeoutMs: number
}

/**
 * Reads the environment that the webhook wrote. Without a sequence there is nothing to do: `config` is absent then;
 * any other fault has a way on.
 */
export function parseAgentConfig(env: Record<string, string | undefined>): { config?: AgentConfig; faults: string[] } {
  const { config, faults } = parseLeaseConfig(env)
  const startTimeoutMs = durationOf(env, AGENT_ENV.startTimeout, faults)
  const sequence = parseSequence(env[AGENT_ENV.sequence])
  if (!sequence) {
    const remedy = notValid('sequence', 'the one that the webhook writes')
    const { message } = new InvalidValueError(AGENT_ENV.sequence, env[AGENT_ENV.sequence] ?? '', remedy)
    return { faults: [...faults, message] }
  }
  return { config: { ...config, sequence, startTimeoutMs }, faults }
}
