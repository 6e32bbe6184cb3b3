import { InvalidValueError } from '../../core/errors.ts'
import { GATE_ENV, type GateName, PULL_GATE, START_GATE } from '../../core/names.ts'
import { parseDurationMs } from '../../core/quantity.ts'
import type { Patience } from './patience.ts'

export interface GateConfig extends Patience {
  gate: GateName
  /** `host:port` of the Service. */
  address: string
  serverName: string
  caPem: string
  podUid: string
}

const DEFAULTS = { [GATE_ENV.failOpenAfter]: '60s', [GATE_ENV.failOpenJitter]: '5m' }

/** Reads the environment that the webhook wrote; `faults` lists every bad or missing variable at once. */
export function parseConfig(env: Record<string, string | undefined>): { config: GateConfig; faults: string[] } {
  const faults: string[] = []
  const need = (name: string): string => {
    if (!env[name]) faults.push(`${name} is not set: the webhook writes it into every gate`)
    return env[name] ?? ''
  }
  const duration = (name: keyof typeof DEFAULTS): number => {
    try {
      return parseDurationMs(name, env[name] ?? DEFAULTS[name] ?? '')
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error
      faults.push(error.message)
      return parseDurationMs(name, DEFAULTS[name] ?? '')
    }
  }
  const gate = need(GATE_ENV.gate)
  if (gate && gate !== PULL_GATE && gate !== START_GATE)
    faults.push(`${GATE_ENV.gate}: "${gate}" is no gate: ${PULL_GATE} or ${START_GATE}`)
  const config: GateConfig = {
    gate: gate === PULL_GATE ? PULL_GATE : START_GATE,
    address: need(GATE_ENV.address),
    serverName: need(GATE_ENV.serverName),
    caPem: need(GATE_ENV.ca),
    podUid: need(GATE_ENV.podUid),
    failOpenAfterMs: duration(GATE_ENV.failOpenAfter),
    failOpenJitterMs: duration(GATE_ENV.failOpenJitter),
  }
  return { config, faults }
}
