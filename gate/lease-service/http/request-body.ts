import { InvalidValueError, instead, notValid, shownValue } from '../../../core/errors.ts'
import { fieldsOf } from '../../../core/is-object.ts'
import type {
  AgentReport,
  AgentRequest,
  GateRequest,
  PressureRequest,
  ReportsRequest,
} from '../../../core/lease-api.ts'
import { PRESSURE_RESOURCES, type Pressure } from '../../../core/pressure.ts'
import { MAX_ATTEMPT, UID_FORM, VERSION_FORM } from '../../../core/wire-limits.ts'
import { RefusedError } from '../model/refusal.ts'

const MAX_REPORTS = 200
/** STATUS= is for people; what is longer is cut. */
const MAX_STATUS = 256

export type Fields = Record<string, unknown>

/** A gate's request, field by field; throws RefusedError 400 that names the first bad one. */
export function gateRequestOf(body: unknown): GateRequest {
  const fields = fieldsOf(body)
  const { pressure } = fields
  return { ...conversationOf(fields), ...(pressure !== undefined && { pressure: pressureOf(pressure) }) }
}

/** What an agent says when it connects; throws as above. */
export function agentRequestOf(body: unknown): AgentRequest {
  const fields = fieldsOf(body)
  return { ...conversationOf(fields), reports: reportsOf(fields) }
}

/** What an agent has to add; throws as above. */
export function reportsRequestOf(body: unknown): ReportsRequest {
  const fields = fieldsOf(body)
  return { ...runOf(fields), reports: reportsOf(fields) }
}

/** What a gate tells of its node; throws as above. */
export function pressureRequestOf(body: unknown): PressureRequest {
  const fields = fieldsOf(body)
  const { busy } = fields
  return {
    podUid: podUidOf(fields),
    pressure: pressureOf(fields.pressure),
    ...(busy !== undefined && { busy: part(busy) }),
  }
}

/** The refusal of one field. */
export function bad(field: string, value: unknown, thing: string, ...choices: string[]): RefusedError {
  const remedy = value === undefined ? instead('is missing', ...choices) : notValid(thing, ...choices)
  return new RefusedError(400, 'BAD_REQUEST', new InvalidValueError(field, shownValue(value), remedy).message)
}

function podUidOf({ podUid }: Fields): string {
  if (typeof podUid !== 'string' || !UID_FORM.test(podUid)) throw bad('podUid', podUid, 'UID', "the pod's metadata.uid")
  return podUid
}

function runOf(fields: Fields): { podUid: string; attempt: number } {
  const podUid = podUidOf(fields)
  const { attempt } = fields
  if (typeof attempt !== 'number' || !Number.isInteger(attempt) || attempt < 1 || attempt > MAX_ATTEMPT)
    throw bad('attempt', attempt, 'attempt', `a whole number from 1 to ${MAX_ATTEMPT}`)
  return { podUid, attempt }
}

/** A version that is none is dropped: nobody is refused for it. */
function conversationOf(fields: Fields): { podUid: string; attempt: number; nonce: string; version?: string } {
  const { version } = fields
  const isVersion = typeof version === 'string' && VERSION_FORM.test(version)
  return { ...runOf(fields), nonce: nonceOf(fields), ...(isVersion && { version }) }
}

function nonceOf({ nonce }: Fields): string {
  if (typeof nonce !== 'string' || !/^[\w-]{8,64}$/.test(nonce))
    throw bad('nonce', nonce, 'nonce', '8 to 64 letters, digits, - and _')
  return nonce
}

function pressureOf(value: unknown): Pressure {
  const fields = fieldsOf(value)
  const pressure: Pressure = {}
  for (const resource of PRESSURE_RESOURCES) {
    const percent = fields[resource]
    if (percent === undefined) continue
    if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100))
      throw bad(`pressure.${resource}`, percent, 'percentage', 'a number from 0 to 100')
    pressure[resource] = percent
  }
  return pressure
}

function part(busy: unknown): number {
  if (typeof busy === 'number' && busy >= 0 && busy <= 1) return busy
  throw bad('busy', busy, 'part', 'a number from 0 to 1')
}

function reportsOf({ reports }: Fields): AgentReport[] {
  if (!Array.isArray(reports) || reports.length > MAX_REPORTS)
    throw bad('reports', reports, 'list of reports', `a list of at most ${MAX_REPORTS}`)
  return reports.map((report, index) => reportOf(fieldsOf(report), `reports[${index}]`))
}

function reportOf(fields: Fields, at: string): AgentReport {
  const { container, containerId, state, extendUntilMs, status, errno } = fields
  if (typeof container !== 'string' || !/^[a-z0-9-]{1,63}$/.test(container))
    throw bad(`${at}.container`, container, 'container name', 'lower-case letters, digits and -')
  if (state !== 'starting' && state !== 'ready' && state !== 'failed')
    throw bad(`${at}.state`, state, 'state', 'starting', 'ready', 'failed')
  return {
    container,
    state,
    ...(typeof containerId === 'string' && { containerId: containerId.slice(0, 256) }),
    ...(typeof extendUntilMs === 'number' && extendUntilMs >= 0 && { extendUntilMs }),
    ...(typeof status === 'string' && { status: status.slice(0, MAX_STATUS) }),
    ...(typeof errno === 'number' && Number.isInteger(errno) && { errno }),
  }
}
