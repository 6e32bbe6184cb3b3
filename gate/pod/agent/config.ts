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
  if (!sequence) return { faults: [...faults, `${AGENT_ENV.sequence} is no sequence: the webhook writes it`] }
  return { config: { ...config, sequence, startTimeoutMs }, faults }
}
