import { fieldsOf } from '../../../core/is-object.ts'
import type { GateRequest } from '../../../core/lease-api.ts'
import type { GateName } from '../../../core/names.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import { figuresOf } from './figures-frame.ts'
import { gateOf } from './gate-name.ts'
import { bad, type Fields, gateRequestOf } from './request-body.ts'

/** What a gate's frame says, a NodeFrame (core/waiter-api.ts), field by field. */
export type ReadFrame =
  | { kind: 'open'; id: number; namespace: string; podName: string; gate: GateName; request: GateRequest }
  | { kind: 'close'; id: number }
  /** Of another version. */
  | { kind: 'unknown' }

/** A line: of a gate, by its id, to be read by `readFrame`; or of the node, `figures` undefined where they are none. */
export type FrameLine = { of: 'gate'; id: number; fields: Fields } | { of: 'node'; figures: NodeFigures | undefined }

/** Throws where the line is no frame at all, so that nobody can be answered. */
export function parseFrame(line: string): FrameLine {
  const fields = fieldsOf(JSON.parse(line))
  if (fields.kind === 'figures') return { of: 'node', figures: figuresOf(fields.figures) }
  const { id } = fields
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) throw bad('id', id, 'id', 'a whole number from 1')
  return { of: 'gate', id, fields }
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
    default:
      return { kind: 'unknown' }
  }
}

function name(fields: Fields, field: 'namespace' | 'podName'): string {
  const value = fields[field]
  if (typeof value === 'string' && /^[a-z0-9][a-z0-9.-]{0,252}$/.test(value)) return value
  throw bad(field, value, 'name', 'lower-case letters, digits, - and .')
}
