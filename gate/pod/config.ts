import { InvalidValueError, instead, notValid } from '../../core/errors.ts'
import { AGENT_ENV, GATE_ENV, type GateName, PULL_GATE, START_GATE } from '../../core/names.ts'
import { parseDurationMs, parsePatienceMs } from '../../core/quantity.ts'
import type { Patience } from './patience.ts'

/** How to reach the lease service, and how long to wait for it. */
export interface LeaseConfig extends Patience {
  /** `host:port` of the Service. */
  address: string
  serverName: string
  caPem: string
  podUid: string
}

export interface GateConfig extends LeaseConfig {
  gate: GateName
}

const DEFAULTS = {
  [GATE_ENV.failOpenAfter]: '60s',
  [GATE_ENV.failOpenJitter]: '5m',
  [AGENT_ENV.startTimeout]: '2m',
}

type Env = Record<string, string | undefined>

/** Reads the environment that the webhook wrote; `faults` lists every bad or missing variable at once. */
export function parseConfig(env: Env): { config: GateConfig; faults: string[] } {
  const { config, faults } = parseLeaseConfig(env)
  const gate = env[GATE_ENV.gate]
  if (!gate) faults.push(missing(GATE_ENV.gate))
  else if (gate !== PULL_GATE && gate !== START_GATE)
    faults.push(new InvalidValueError(GATE_ENV.gate, gate, notValid('gate', PULL_GATE, START_GATE)).message)
  return { config: { ...config, gate: gate === PULL_GATE ? PULL_GATE : START_GATE }, faults }
}

/** The part that gates and the agent share. */
export function parseLeaseConfig(env: Env): { config: LeaseConfig; faults: string[] } {
  const faults: string[] = []
  const need = (name: string): string => {
    if (!env[name]) faults.push(missing(name))
    return env[name] ?? ''
  }
  const config: LeaseConfig = {
    address: need(GATE_ENV.address),
    serverName: need(GATE_ENV.serverName),
    caPem: need(GATE_ENV.ca),
    podUid: need(GATE_ENV.podUid),
    failOpenAfterMs: durationOf(env, GATE_ENV.failOpenAfter, faults),
    failOpenJitterMs: durationOf(env, GATE_ENV.failOpenJitter, faults),
  }
  return { config, faults }
}

/** A duration in ms; its default where it is absent or, with a fault, where it is none. */
export function durationOf(env: Env, name: keyof typeof DEFAULTS, faults: string[]): number {
  try {
    const parse = name === GATE_ENV.failOpenAfter ? parsePatienceMs : parseDurationMs
    return parse(name, env[name] ?? DEFAULTS[name] ?? '')
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error
    faults.push(error.message)
    return parseDurationMs(name, DEFAULTS[name] ?? '')
  }
}

function missing(name: string): string {
  return new InvalidValueError(name, undefined, instead('is not set', 'the gate as the webhook wrote it')).message
}
