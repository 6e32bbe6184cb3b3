import type { GateRequest } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { Pressure } from '../../../core/pressure.ts'
import { gateOf } from './gate-name.ts'
import { bad, type Fields, fieldsOf, gateRequestOf, pressureRequestOf } from './request-body.ts'

/** A NodeFrame (core/waiter-api.ts), field by field. */
export type ReadFrame =
  | { kind: 'open'; id: number; namespace: string; podName: string; gate: GateName; request: GateRequest }
  | { kind: 'close'; id: number }
  | { kind: 'pressure'; id: number; pressure: Pressure }
  /** Of a newer version. */
  | { kind: 'unknown' }

/** The id of a line and the line as JSON. Throws where it is no frame at all, so that nobody can be answered. */
export function frameId(line: string): { id: number; fields: Fields } {
  const fields = fieldsOf(JSON.parse(line))
  const { id } = fields
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) throw bad('id', id, 'id', 'a whole number from 1')
  return { id, fields }
}

/** Throws RefusedError 400 that names the first bad field. */
export function readFrame(id: number, fields: Fields): ReadFrame {
  switch (fields.kind) {
    case 'open':
      return {
        kind: 'open',
        id,
        namespace: name(fields, 'namespace'),
        podName: name(fields, 'podName'),
        gate: gateOf(typeof fields.gate === 'string' ? fields.gate : ''),
        request: gateRequestOf(fields),
      }
    case 'close':
      return { kind: 'close', id }
    case 'pressure':
      return { kind: 'pressure', id, pressure: pressureRequestOf({ ...fields, podUid: 'any' }).pressure }
    default:
      return { kind: 'unknown' }
  }
}

function name(fields: Fields, field: 'namespace' | 'podName'): string {
  const value = fields[field]
  if (typeof value === 'string' && /^[a-z0-9][a-z0-9.-]{0,252}$/.test(value)) return value
  throw bad(field, value, 'name', 'lower-case letters, digits, - and .')
}
